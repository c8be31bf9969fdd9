import Normalizing
import Testing

@testable import Configuring

@Suite("Amounts in proposed configurations")
struct ProposalMoneyTests {
  private static let whole = (0..<49).map { "\(1000 + $0)" }

  @Test(
    "amounts whose decimals say nothing leave their unit a question",
    arguments: [["1919.0", "500.0"], ["1919.00"], whole + ["1990.00"], whole + ["19.99"], ["0.00", "0"]])
  func unit(cells: [String]) {
    let text = Proposals.column("total", cells)
    #expect(text.contains("revenue: {from: total, unit: \"?\"}") && text.contains("QUESTION: do these amounts"), "\(text)")
    #expect(!Proposals.reads(text) && Proposals.reads(text.replacing("unit: \"?\"", with: "unit: minor")))
  }

  @Test(
    "a mark with three digits behind it in every amount may be either mark, so that both are questions",
    arguments: [["11.250", "12.500"], ["11,250"], ["-1.500", "20"]])
  func marks(cells: [String]) {
    let text = Proposals.column("total", cells)
    #expect(text.contains("decimal: \"?\", group: \"?\"") && text.contains("QUESTION: is the"), "\(text)")
    #expect(!Proposals.reads(text.replacing("unit: \"?\"", with: "unit: major")))
    let answered = text.replacing("unit: \"?\", decimal: \"?\", group: \"?\"", with: "unit: major, decimal: \".\", group: \",\"")
    #expect(Proposals.reads(answered), "\(answered)")
  }

  @Test(
    "one amount that can be read in one way only says what the marks of all are",
    arguments: [
      (["11.250", "1.234.500"], "unit: \"?\", decimal: \",\", group: \".\""), (["1,250", "19.99"], "unit: major, group: \",\""),
      (["1.250", "19,99"], "unit: major, decimal: \",\", group: \".\""), (["1250.500", "11.250"], "unit: major"),
      (["0.250"], "unit: major"), (["1'019.50", "3.20"], "unit: major, group: \"'\""),
    ])
  func told(cells: [String], keys: String) {
    let text = Proposals.column("total", cells)
    #expect(text.contains("revenue: {from: total, \(keys)}"), "\(text)")
  }

  @Test(
    "a value and a quantity are proposed for cells that hold them, and other columns of these names are told",
    arguments: [
      ("value", ["gold", "silver"], nil), ("value", ["1.5", "-2"], "value: value"), ("quantity", ["1.5", "2"], nil),
      ("quantity", ["1", "2"], "quantity: quantity"), ("qty", ["2.0"], nil), ("score", ["1,5"], "value: {from: score, decimal: \",\"}"),
      ("units", ["two"], nil),
    ] as [(String, [String], String?)])
  func numbers(name: String, cells: [String], line: String?) {
    let text = Proposals.column(name, cells)
    if let line {
      #expect(text.contains("  \(line)\n") || text.contains("  \(line)  #") || text.hasSuffix("  \(line)"), "\(text)")
    } else {
      #expect(!text.contains("\n      value:") && !text.contains("\n      quantity:"), "\(text)")
      #expect(text.contains("# \(name) sounds like a \(name == "value" ? "value" : "quantity")"), "\(text)")
      #expect(text.contains("#   \(name): "), "a tag is offered in\n\(text)")
    }
  }
}
