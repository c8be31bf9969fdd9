internal import Bytes

/// What a slice says before its entries are read: which visitors it may have events of, and where.
///
/// The filter (Bloom, 1970) has 16 bits for each visitor and sets eight: it never denies a visitor who is there, and admits about one in
/// 1,700 of those who are not. A fence is the visitor hash that a part begins with.
package struct SliceIndex: Sendable, Equatable {
  /// Entries of a part: as many as lie in one page of the database.
  package static let partEntries = 136
  static let partBytes = partEntries * LedgerEntry.byteCount
  private static let bitsPerVisitor = 16
  private static let probes: UInt64 = 8

  let fences: [UInt64]
  private(set) var filter: [UInt64]

  /// Of sorted entries.
  init(_ entries: Span<UInt8>) {
    var fences: [UInt64] = []
    var visitors: [UInt64] = []
    for at in stride(from: 0, to: entries.count, by: LedgerEntry.byteCount) {
      let hash = load64(entries, at).byteSwapped
      if at % SliceIndex.partBytes == 0 { fences.append(hash) }
      if visitors.last != hash { visitors.append(hash) }
    }
    self.fences = fences
    filter = [UInt64](repeating: 0, count: (visitors.count * SliceIndex.bitsPerVisitor + 63) / 64)
    for hash in visitors { add(hash) }
  }

  private mutating func add(_ hash: UInt64) {
    let step = SliceIndex.step(hash)
    var place = SliceIndex.start(hash)
    for _ in 0..<SliceIndex.probes {
      let bit = SliceIndex.bit(place, filter.count)
      filter[bit >> 6] |= 1 << UInt64(bit & 63)
      place &+= step
    }
  }

  /// False only when the slice has no event of the visitor.
  package func mayHold(_ hash: UInt64) -> Bool {
    let step = SliceIndex.step(hash)
    var place = SliceIndex.start(hash)
    for _ in 0..<SliceIndex.probes {
      let bit = SliceIndex.bit(place, filter.count)
      if filter[bit >> 6] & 1 << UInt64(bit & 63) == 0 { return false }
      place &+= step
    }
    return true
  }

  // The hashes of a slice begin alike, so their bits are mixed once more.
  @inline(__always) private static func start(_ hash: UInt64) -> UInt64 {
    let mixed = (hash ^ hash >> 32) &* 0xff51_afd7_ed55_8ccd
    return mixed ^ mixed >> 29
  }

  @inline(__always) private static func step(_ hash: UInt64) -> UInt64 { (hash &* 0x9e37_79b9_7f4a_7c15) | 1 }

  @inline(__always) private static func bit(_ place: UInt64, _ words: Int) -> Int {
    Int(truncatingIfNeeded: place.multipliedFullWidth(by: UInt64(words) << 6).high)
  }

  /// The part in which the entries of a visitor begin, if there are any.
  package func part(of hash: UInt64) -> Int {
    var low = 0
    var high = fences.count
    while low < high {
      let middle = (low + high) / 2
      if fences[middle] < hash { low = middle + 1 } else { high = middle }
    }
    return max(0, low - 1)
  }

  /// Whether a part begins with the hash or a smaller one.
  package func begins(_ part: Int, upTo hash: UInt64) -> Bool { part < fences.count && fences[part] <= hash }
}

// As it is stored: fences, then filter, eight bytes each, highest first.
extension SliceIndex {
  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity((fences.count + filter.count) * 8)
    for word in fences + filter {
      for shift in stride(from: UInt64(56), through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
    }
    return bytes
  }

  /// Nil for bytes that are no index of so many entries.
  init?(_ bytes: Span<UInt8>, entryCount: Int) {
    let fenceCount = (entryCount + SliceIndex.partEntries - 1) / SliceIndex.partEntries
    guard bytes.count % 8 == 0, bytes.count / 8 > fenceCount else { return nil }
    fences = (0..<fenceCount).map { load64(bytes, $0 * 8).byteSwapped }
    filter = (fenceCount..<(bytes.count / 8)).map { load64(bytes, $0 * 8).byteSwapped }
  }
}

/// Tells stored bytes from others, or from the same in another place: each 8 bytes are mixed in with a multiplication and a shift, both
/// invertible, so that no change within one word goes unseen. SQLite itself checks no content.
func checksum(_ bytes: Span<UInt8>, of place: Int64) -> UInt64 {
  var sum = UInt64(bitPattern: place) &* 0x9e37_79b9_7f4a_7c15
  var at = 0
  while at + 8 <= bytes.count {
    sum = (sum ^ load64(bytes, at)) &* 0xff51_afd7_ed55_8ccd
    sum ^= sum >> 32
    at += 8
  }
  var rest: UInt64 = 0
  while at < bytes.count {
    rest = rest << 8 | UInt64(bytes[at])
    at += 1
  }
  sum = (sum ^ rest) &* 0xff51_afd7_ed55_8ccd
  return sum ^ sum >> 32
}
