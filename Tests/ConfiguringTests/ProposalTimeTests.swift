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
}
