import Bytes

/// What is fed with inputs that nobody thought of. Each throws a `Finding` when the program differs from its oracle or from itself.
enum Fuzzed: String, CaseIterable {
  case csv, ndjson, escapes, timestamps, money, configuration, runs

  func feed(_ input: [UInt8]) throws {
    var input = Input(input)
    switch self {
    case .csv: try feedCSV(&input)
    case .ndjson: try feedJSON(&input)
    case .escapes: try feedEscapes(&input)
    case .timestamps: try feedTimestamps(&input)
    case .money: try feedMoney(&input)
    case .configuration: try feedConfiguration(&input)
    case .runs: try feedRuns(&input)
    }
  }
}

/// A difference that should not be.
struct Finding: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

func expect(_ isTrue: Bool, _ words: @autoclosure () -> String) throws(Finding) {
  if !isTrue { throw Finding(words()) }
}

/// The bytes of an input: choices at its front, what is read behind them. Behind its end, all is 0.
struct Input {
  private var bytes: ArraySlice<UInt8>

  init(_ bytes: [UInt8]) { self.bytes = bytes[...] }

  var isEmpty: Bool { bytes.isEmpty }

  mutating func byte() -> UInt8 { bytes.popFirst() ?? 0 }

  mutating func choice(below count: Int) -> Int { Int(byte()) % count }

  mutating func pick<Element>(_ elements: [Element]) -> Element { elements[choice(below: elements.count)] }

  /// All that is left.
  mutating func rest() -> [UInt8] {
    defer { bytes = [] }
    return Array(bytes)
  }

  /// Up to the next line feed, which is taken too.
  mutating func line() -> [UInt8] {
    let line = Array(bytes.prefix { $0 != 0x0a })
    bytes = bytes.dropFirst(line.count + 1)
    return line
  }
}
