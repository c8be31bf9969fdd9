package import Bytes

/// What the ledger remembers of an accepted event.
///
///     byte  0  u64  visitor hash
///           8  u64  high word of the event id's digest: with the hash 128 bits that name the event, for an id means something
///                   within its visitor only
///          16  u44  timestamp, epoch ms
///              u1   whether a decision is held back
///              u19  number of the decision's variation; 0 says that the event is none
///          24  u12  number of the run within the segment; 0 for entries that came from another checkpoint
///              u28  digest of the content
///
/// Each highest byte first, so that entries sort as their bytes do.
package struct LedgerEntry: Equatable, Sendable {
  /// Bytes of an entry.
  package static let byteCount = 29
  /// Greater numbers of variations do not fit: such a decision is remembered as an event only.
  package static let mostVariations = 1 << 19 - 1
  /// Runs that a segment can tell apart.
  static let mostRuns = 1 << 12 - 1
  package static let contentMask: UInt64 = 1 << 28 - 1
  private static let timeMask: UInt64 = 1 << 44 - 1

  package var visitorHash: UInt64
  package var id: UInt64
  package var timestamp: Int64
  package var variation: Int
  package var isHeldBack: Bool
  package var run: Int
  package var content: UInt64

  package init(
    visitorHash: UInt64, id: UInt64, timestamp: Int64, content: UInt64, variation: Int = 0, isHeldBack: Bool = false, run: Int = 1
  ) {
    self.visitorHash = visitorHash
    self.id = id
    self.timestamp = timestamp
    self.variation = variation
    self.isHeldBack = isHeldBack
    self.run = run
    self.content = content & LedgerEntry.contentMask
  }

  /// The entry that begins at `offset`.
  @inline(__always)
  package init(_ bytes: Span<UInt8>, at offset: Int) {
    visitorHash = load64(bytes, offset).byteSwapped
    id = load64(bytes, offset + 8).byteSwapped
    let middle = load64(bytes, offset + 16).byteSwapped
    timestamp = Int64(middle >> 20)
    isHeldBack = middle & 1 << 19 != 0
    variation = Int(middle & UInt64(LedgerEntry.mostVariations))
    let end = UInt64(load32(bytes, offset + 24).byteSwapped) << 8 | UInt64(bytes[offset + 28])
    run = Int(end >> 28)
    content = end & LedgerEntry.contentMask
  }

  private var middle: UInt64 {
    // No timestamp of an event is negative or has more than 13 digits.
    (UInt64(clamping: timestamp) & LedgerEntry.timeMask) << 20 | (isHeldBack ? 1 << 19 : 0) | UInt64(variation)
  }

  private var end: UInt64 { UInt64(run) << 28 | content }

  /// Appends the entry.
  package func append(to arena: inout ByteArena) {
    let start = arena.appendZeros(LedgerEntry.byteCount)
    arena.store(visitorHash.byteSwapped, at: start)
    arena.store(id.byteSwapped, at: start + 8)
    arena.store(middle.byteSwapped, at: start + 16)
    // Eight bytes from the 21st on, of which the first three stand there already.
    arena.store((middle << 40 | end).byteSwapped, at: start + 21)
  }

  /// The entry's bytes.
  package var bytes: [UInt8] {
    var bytes: [UInt8] = []
    for (word, count) in [(visitorHash, 8), (id, 8), (middle, 8), (end, 5)] {
      for at in 0..<count { bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(8 * (count - 1 - at)))) }
    }
    return bytes
  }

  /// Writes another number of a variation, or of a run, into the entry at `offset`.
  static func set(variation: Int, in bytes: inout [UInt8], at offset: Int) {
    bytes[offset + 21] = bytes[offset + 21] & 0xf8 | UInt8(truncatingIfNeeded: variation >> 16)
    bytes[offset + 22] = UInt8(truncatingIfNeeded: variation >> 8)
    bytes[offset + 23] = UInt8(truncatingIfNeeded: variation)
  }

  static func set(run: Int, in bytes: inout [UInt8], at offset: Int) {
    bytes[offset + 24] = UInt8(truncatingIfNeeded: run >> 4)
    bytes[offset + 25] = bytes[offset + 25] & 0x0f | UInt8(truncatingIfNeeded: run << 4)
  }
}

/// What a decision was for, as JSON text without quotes; `null` where it was one.
package struct LedgerVariation: Hashable, Sendable {
  package var campaign: [UInt8]
  package var experiment: [UInt8]
  package var variation: [UInt8]

  package init(campaign: [UInt8], experiment: [UInt8], variation: [UInt8]) {
    self.campaign = campaign
    self.experiment = experiment
    self.variation = variation
  }
}

/// The ledger entries of one body, to be kept with its receipt.
package struct LedgerEntries: Sendable, Equatable {
  /// Sorted, `LedgerEntry.byteCount` each.
  package var entries: [UInt8]
  /// What the entries' variations are: the first is 1.
  package var variations: [LedgerVariation]

  package init(entries: [UInt8], variations: [LedgerVariation] = []) {
    self.entries = entries
    self.variations = variations
  }
}

/// A slice of the ledger: entries of one segment between two hashes. They are read with `ledgerParts`.
package struct LedgerSlice: Sendable, Equatable {
  package let id: Int64
  package let firstHash: UInt64
  package let lastHash: UInt64
  package let entryCount: Int

  /// Parts that the entries lie in.
  package var partCount: Int { (entryCount + SliceIndex.partEntries - 1) / SliceIndex.partEntries }
}
