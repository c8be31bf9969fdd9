import Bytes

/// Names as numbers, in the order of their first appearance. A name is two parts, each JSON text without quotes.
struct Names {
  /// Where the parts of a name lie, one behind the other.
  private struct Place {
    var start: Int
    var middle: Int
    var end: Int
  }

  private var table = NumberTable()
  private var places: [Place] = []
  /// All names: looking one up then retains nothing.
  private var bytes: [UInt8] = []
  /// Numbers by a few bits of their names: most likely the ones asked for. −1 for none.
  private var guesses = [Int32](repeating: -1, count: 64)

  var count: Int { places.count }

  /// The name is copied when it is seen for the first time, and only compared afterwards.
  mutating func number(of first: Span<UInt8>, _ second: Span<UInt8>) -> Int {
    let guess = Names.guess(first, second)
    let likely = Int(guesses[guess])
    if likely >= 0, isSame(likely, first, second) { return likely }
    let number = lookUp(first, second)
    guesses[guess] = Int32(number)
    return number
  }

  private mutating func lookUp(_ first: Span<UInt8>, _ second: Span<UInt8>) -> Int {
    let hash = Digest(first, seed: Digest(second).high).high
    var place = table.firstPlace(of: hash)
    while let number = table.number(at: &place, hash) {
      if isSame(number, first, second) { return number }
    }
    let start = bytes.count
    bytes += copy(first)
    bytes += copy(second)
    places.append(Place(start: start, middle: start + first.count, end: bytes.count))
    table.append(hash)
    return places.count - 1
  }

  /// Six bits of the ends of both parts, where ids differ most.
  private static func guess(_ first: Span<UInt8>, _ second: Span<UInt8>) -> Int {
    func end(_ part: Span<UInt8>) -> UInt64 {
      part.count >= 8 ? load64(part, part.count - 8) : part.isEmpty ? 0 : UInt64(part[part.count - 1])
    }
    let mixed = (end(first) ^ end(second) &* 0x9e37_79b9_7f4a_7c15) &* 0xff51_afd7_ed55_8ccd
    return Int(truncatingIfNeeded: mixed &>> 58)
  }

  /// The number here of a name that another table has.
  mutating func number(of other: Names, _ number: Int) -> Int {
    let place = other.places[number]
    let bytes = other.bytes.span
    return self.number(of: bytes.extracting(place.start..<place.middle), bytes.extracting(place.middle..<place.end))
  }

  private func isSame(_ number: Int, _ first: Span<UInt8>, _ second: Span<UInt8>) -> Bool {
    let place = places[number]
    let bytes = bytes.span
    return same(first, bytes.extracting(place.start..<place.middle)) && same(second, bytes.extracting(place.middle..<place.end))
  }

  func parts(of number: Int) -> (String, String) {
    let place = places[number]
    return (plain(bytes[place.start..<place.middle]), plain(bytes[place.middle..<place.end]))
  }

  /// The second part as it is.
  func bytes(of number: Int) -> [UInt8] { Array(bytes[places[number].middle..<places[number].end]) }

  private func plain(_ part: ArraySlice<UInt8>) -> String {
    var arena = ByteArena(limit: max(64, part.count))
    arena.append(unescaping: part.span)
    return text(arena.span)
  }
}

/// Pairs of numbers below 2³² as numbers, in the order of their first appearance.
struct Pairs {
  private var table = NumberTable()

  mutating func number(of first: Int, _ second: Int) -> Int {
    // Each step can be undone, so equal hashes are equal pairs.
    let product = (UInt64(first) &<< 32 | UInt64(second)) &* 0x9e37_79b9_7f4a_7c15
    let hash = product ^ product &>> 32
    var place = table.firstPlace(of: hash)
    if let number = table.number(at: &place, hash) { return number }
    table.append(hash)
    return table.count - 1
  }
}

/// Numbers 0, 1, 2, … found by a hash of what they stand for: an open table that never copies or wraps a key.
private struct NumberTable {
  private var hashes: [UInt64] = []
  /// By the lower bits of the hash, with the next free place after a collision: a number, or −1. Its size is a power of two, and at
  /// most half of it is taken.
  private var places = [Int32](repeating: -1, count: 64)

  var count: Int { hashes.count }

  func firstPlace(of hash: UInt64) -> Int { Int(truncatingIfNeeded: hash) & (places.count - 1) }

  /// The next number with the hash, from `place` on; nil when there are no more.
  func number(at place: inout Int, _ hash: UInt64) -> Int? {
    while places[place] >= 0 {
      let number = Int(places[place])
      place = (place + 1) & (places.count - 1)
      if hashes[number] == hash { return number }
    }
    return nil
  }

  /// Adds the next number.
  mutating func append(_ hash: UInt64) {
    hashes.append(hash)
    if hashes.count * 2 <= places.count {
      put(hashes.count - 1)
    } else {
      places = [Int32](repeating: -1, count: places.count * 2)
      for number in hashes.indices { put(number) }
    }
  }

  private mutating func put(_ number: Int) {
    var place = firstPlace(of: hashes[number])
    while places[place] >= 0 { place = (place + 1) & (places.count - 1) }
    places[place] = Int32(number)
  }
}
