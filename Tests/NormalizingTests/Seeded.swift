/// Random numbers that a seed repeats: SplitMix64.
struct Seeded: RandomNumberGenerator {
  private var state: UInt64

  init(_ seed: Int) { state = UInt64(seed) &* 0x9e37_79b9_7f4a_7c15 }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &self) }

  mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) } }

  /// Text with a liking for what JSON must escape, and for code points of every length.
  mutating func text(_ count: Int) -> String {
    var text = String.UnicodeScalarView()
    while text.count < count {
      let scalar: UInt32
      switch below(6) {
      case 0: scalar = UInt32(below(0x20))
      case 1: scalar = [0x22, 0x5c, 0x2f, 0x7f, 0x20][below(5)]
      case 2: scalar = UInt32(0x80 + below(0x780))
      case 3: scalar = UInt32(0x800 + below(0xf800))
      case 4: scalar = UInt32(0x10000 + below(0x100000))
      default: scalar = UInt32(0x21 + below(0x5e))
      }
      if let scalar = Unicode.Scalar(scalar) { text.append(scalar) }
    }
    return String(text)
  }
}
