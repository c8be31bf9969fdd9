import Normalizing
import Testing
import Vocabulary

@testable import Configuring

@Suite("Columns of proposed configurations")
struct ProposalColumnTests {
  private let time = Proposals.time

  @Test("a column is used when its whole name is, so that one whose name is part of another's is left")
  func wholeNames() {
    let orders = Proposals.text(
      ["id", "customer_id", "created_at", "total", "event"],
      [["1", "c1", "2024-05-01T12:00:00Z", "19.99", "buy"], ["2", "c1", "2024-05-01T12:01:00Z", "5.00", "buy"]])
    #expect(orders.contains("uuid: {from: [id, event]}") && orders.contains("visitor_id: customer_id"), "\(orders)")
    for rows in [["id", "customer.id"], ["customer.id", "id"]] {
      let nested = Proposals.text(
        rows + ["event", "at"], [["1", "2", "buy", time], ["3", "4", "buy", time]], .ndjson)
      #expect(nested.contains("uuid: {from: [id, event]}"), "\(nested)")
    }
    let tagged = Proposals.text(
      ["user", "goal", "ts", "us", "s"], [["u", "9", time, "x", "y"], ["v", "9", time, "x", "y"]])
    #expect(tagged.contains("#   us: us") && tagged.contains("#   s: s"), "\(tagged)")
  }
}
