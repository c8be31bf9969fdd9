import Counting
import Foundation
import Testing

@testable import Reporting

@Suite("A summary in words") struct SummaryTextTests {
  private func text(campaigns: [String] = ["1"], events: [(key: String, entity: String, revenue: Int64)]) throws -> String {
    let rows = events.map { key, entity, revenue in
      "{\"key\":\"\(key)\",\"entity_id\":\"\(entity)\",\"converting_visitors\":1,\"conversions\":2,\"revenue\":\(revenue),\"value\":0}"
    }
    let variation = "{\"variation_id\":\"3\",\"visitors\":4,\"events\":[\(rows.joined(separator: ","))]}"
    let experiments = campaigns.map { "{\"experiment_id\":\"2\",\"campaign_id\":\"\($0)\",\"variations\":[\(variation)]}" }
    var summary = RunSummary(run: "7", endpoint: "sandbox", rehearsal: true)
    summary.state = .planned
    summary.expected = try JSONDecoder().decode(
      Results.self, from: Data("{\"experiments\":[\(experiments.joined(separator: ","))],\"not_counted\":{}}".utf8))
    return summary.text()
  }

  @Test("tells events of one key by their ids, and experiments of one id by their campaigns")
  func shared() throws {
    let text = try text(campaigns: ["1", "9"], events: [("buy", "601", 0), ("buy", "602", 0), ("see", "603", 0), ("", "604", 0)])
    for name in ["buy (601)", "buy (602)", "see", "604"] {
      #expect(text.contains("        \(name): 1 visitor converted, 2 conversions\n"), "\(text)")
    }
    #expect(text.contains("    experiment 2 of campaign 1\n") && text.contains("    experiment 2 of campaign 9\n"))
  }

  @Test(
    "tells revenue in units of the currency",
    arguments: [(1, "0.01"), (100, "1.00"), (789_281, "7,892.81"), (-5, "−0.05"), (Int64.max, "92,233,720,368,547,758.07")])
  func revenue(hundredths: Int64, shown: String) throws {
    let text = try text(events: [("buy", "6", hundredths), ("see", "7", 0)])
    #expect(text.contains("buy: 1 visitor converted, 2 conversions, revenue \(shown)\n"), "\(text)")
  }
}
