package import Delivering

/// Where a run stands, for a progress line.
package enum RunProgress: Sendable, Equatable {
  /// Bytes of the inputs read so far, and the input whose next bytes are waited for; nil while what was read is being staged.
  case staging(bytes: Int, from: String?)
  /// Staged records walked so far.
  case planning(records: Int, of: Int)
  /// Bodies delivered so far, of those that were pending.
  case sending(DeliveryProgress, of: Int)
}
