import Normalizing
import Testing

@testable import Configuring

@Suite("Times in proposed configurations")
struct ProposalTimeTests {
  private func text(_ cells: [String], _ name: String = "when") -> String {
    Proposals.text(["user", "goal_id", name], cells.map { ["u", "9", $0] })
  }

  @Test(
    "days and months that cannot be told apart stay a question when some cells are no times, or have a form of their own",
    arguments: [
      ([String](repeating: "02/04/2024 10:00", count: 12) + ["n/a"], "M/d/yyyy HH:mm or d/M/yyyy HH:mm", 1),
      ([String](repeating: "02/04/2024", count: 11) + ["-"], "M/d/yyyy or d/M/yyyy", 1),
      ([String](repeating: "02-04-2024", count: 19) + ["unknown", "n/a"], "M-d-yyyy or d-M-yyyy", 2),
      ([String](repeating: "02/04/2024 10:00", count: 12) + ["02/04/2024 10:00:30"], "M/d/yyyy HH:mm or d/M/yyyy HH:mm", 1),
    ])
  func ambiguous(cells: [String], forms: String, others: Int) {
    let text = text(cells)
    #expect(text.contains("is it \(forms)?") && text.contains("format: \"?\""), "\(text)")
    #expect(text.contains("\(cells.count - others) of \(cells.count) cells have the form \(forms)"), "\(text)")
  }

  @Test(
    "one cell that says which is the day is enough, whatever other cells are",
    arguments: [
      (["13/02/2024 10:00", "n/a"], "d/M/yyyy HH:mm"), (["02/13/2024 10:00", "n/a"], "M/d/yyyy HH:mm"),
      (["13/02/2024 10:00:15"], "d/M/yyyy HH:mm"),
    ])
  func told(last: [String], format: String) {
    let text = text([String](repeating: "02/04/2024 10:00", count: 20) + last)
    #expect(text.contains("format: \"\(format)\"") && !text.contains("is it "), "\(text)")
  }

  @Test(
    "dates of digits alone have their form, as no zone makes them ISO 8601 with a time",
    arguments: [(["20240511", "20240512"], "yyyyMMdd"), (["20240511093000", "20240512101500"], "yyyyMMddHHmmss")])
  func digits(cells: [String], format: String) throws {
    let text = text(cells)
    #expect(text.contains("format: \(format), zone: \"?\""), "\(text)")
    let answered = text.replacing("zone: \"?\"", with: "zone: UTC")
    let mapping = try #require(try Proposals.read(answered).inputs.first?.mapping)
    #expect(mapping.fields[.timestamp] == .converted(.path("when"), .time(TimeFormat(format), zone: "UTC")))
    for cell in cells { #expect(Conversion.time(TimeFormat(format), zone: "UTC").reads(cell)) }
  }

  @Test(
    "times are found by their cells whatever their column is called, before digits that may be ids",
    arguments: [(["01.05.2024 14:00"], "d.M.yyyy HH:mm"), (["2024-05-01 9:30"], "yyyy-M-d H:mm"), (["5. Mai"], nil)])
  func named(cells: [String], format: String?) {
    let text = Proposals.text(["user", "Beleg", "goal_id", "Bestellt am"], cells.map { ["u", "1714564800", "9", $0] })
    if let format {
      #expect(text.contains("timestamp: {from: \"Bestellt am\", format: \"\(format)\""), "\(text)")
    } else {
      #expect(text.contains("timestamp: {from: Beleg, format: epoch_seconds}"), "\(text)")
    }
  }

  @Test("of several columns of times none of which is called so, it is a question which one counts")
  func severalTimes() {
    let text = Proposals.text(
      ["user", "goal_id", "Bestellt am", "Bezahlt am"], [["u", "9", "2024-05-01T12:00:00Z", "2024-05-02T12:00:00Z"]])
    #expect(text.contains("# QUESTION: is \"Bestellt am\" when the event happened, or \"Bezahlt am\"?"), "\(text)")
  }

  @Test("whole numbers are a spreadsheet's days in a column of dates only")
  func wholeDays() {
    let text = text(["45000", "45001"], "date")
    #expect(text.contains("{from: date, format: spreadsheet, zone: \"?\"}"), "\(text)")
    #expect(self.text(["45000", "45001"], "shop").contains("timestamp: \"?\""))
  }

  @Test(
    "years of two digits are read, and asked for where another order fits as well",
    arguments: [
      ("5/13/24", ["M/d/yy"]), ("5/1/24", ["M/d/yy", "d/M/yy"]), ("13.5.24", ["d.M.yy"]), ("13-May-2024", ["d-MMM-yyyy"]),
      ("05/01/11", ["M/d/yy", "d/M/yy", "yy/M/d"]),
    ])
  func shortYears(cell: String, formats: [String]) {
    let text = text([cell])
    if formats.count > 1 {
      #expect(text.contains("is it \(TimeGuess.alternatives(formats))?"), "\(text)")
    } else {
      #expect(text.contains("format: \(ConfigurationText.scalar(formats[0])), zone"), "\(text)")
    }
  }
}
