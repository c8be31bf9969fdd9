package import Delivering

/// Where a run stands, for a progress line.
package enum RunProgress: Sendable {
  /// Bytes of the inputs read so far.
  case staging(bytes: Int)
  /// Staged records walked so far.
  case planning(records: Int, of: Int)
  /// Bodies delivered so far, of those that were pending.
  case sending(DeliveryProgress, of: Int)
}
