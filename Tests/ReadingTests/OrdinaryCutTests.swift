import Testing
import Vocabulary

@testable import Reading

@Suite struct OrdinaryCutTests {
  @Test("what is cut the short way is cut as the machine cuts it, and its lines are counted", arguments: 0..<4 as Range<UInt64>)
  func likeTheMachine(seed: UInt64) {
    var numbers = SeededNumbers(seed: seed)
    var shortCount = 0
    for turn in 0..<3000 {
      let window = window(turn, &numbers)
      for isLast in [false, true] {
        for dialect in [CSVDialect(), CSVDialect(quote: nil), CSVDialect(delimiter: 0x3b)] {
          var machine = RowCutter(.csv, dialect, isShort: false)
          let end = machine.cut(window.span, offset: 0, isLast: isLast)
          let cut = ordinaryCut(window.span, delimiter: dialect.delimiter, quote: dialect.quote, isLast: isLast)
          if let cut {
            shortCount += 1
            #expect(cut.end == end && machine.faults.isEmpty, "\(String(decoding: window, as: UTF8.self).debugDescription)")
            if let count = cut.lineEndCount { #expect(count == lineEndCount(window.span.extracting(..<end), .csv)) }
          }
          var cutter = RowCutter(.csv, dialect)
          #expect(cutter.cut(window.span, offset: 0, isLast: isLast) == end)
          #expect(cutter.faults == machine.faults)
        }
      }
    }
    #expect(shortCount > 3000, "the short way is taken")
  }

  @Test("a window that comes in two parts is cut as one", arguments: 0..<4 as Range<UInt64>)
  func inParts(seed: UInt64) {
    var numbers = SeededNumbers(seed: seed)
    for turn in 0..<1000 {
      let input = window(turn, &numbers)
      let parts = (0..<4).map { _ in Int.random(in: 0...input.count, using: &numbers) }.sorted() + [input.count]
      #expect(cuts(input, parts, isShort: true) == cuts(input, parts, isShort: false))
    }
  }

  /// The faults and the last row end, when the window grows to each of these sizes in turn.
  private func cuts(_ input: [UInt8], _ parts: [Int], isShort: Bool) -> [String] {
    var cutter = RowCutter(.csv, CSVDialect(), isShort: isShort)
    var start = 0
    var found: [String] = []
    for (index, part) in parts.enumerated() where part >= start {
      let end = cutter.cut(input.span.extracting(start..<part), offset: start, isLast: index == parts.count - 1)
      for fault in cutter.faults {
        found.append("\(fault.reason) \(fault.place) \(fault.range.lowerBound + start) \(fault.next + start)")
      }
      start += end
    }
    return found + ["\(start)"]
  }

  /// Text of cells that are mostly in order; in every other window of any marks at all. Cells are long enough to reach over pieces.
  private func window(_ turn: Int, _ numbers: inout SeededNumbers) -> [UInt8] {
    let texts =
      turn % 2 == 0
      ? ["a", "", "\"b\"", "\"\"", "\"c\"\"d\"", "\"e,\nf\"", "\"\"\"\"", "\"g\r\n\"", "long text that reaches over the pieces"]
      : ["\"", "\"\"", ",", "a", "\n", "\r", "\"a", "\",", ",\"", "long text that reaches over the pieces"]
    var text = ""
    for _ in 0..<Int.random(in: 0...40, using: &numbers) {
      text += texts.randomElement(using: &numbers)!
      if turn % 2 == 0 { text += [",", ",", ",", "\n", "\r\n", turn % 6 == 0 ? "\r" : "\n"].randomElement(using: &numbers)! }
    }
    return Array(text.utf8)
  }
}
