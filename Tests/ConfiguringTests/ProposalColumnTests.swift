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

  @Test("rows that name an experiment and no event are decisions, though nothing is called a variation", arguments: [false, true])
  func unnamedVariation(hasEvent: Bool) {
    let names = ["guest", "campaign_id", "experiment_id", "arm_seen", "at"] + (hasEvent ? ["event"] : [])
    let text = Proposals.text(names, [["g1", "7", "8", "9", time], ["g2", "7", "8", "10", time]].map { $0 + (hasEvent ? ["buy"] : []) })
    #expect(text.contains("record: \(hasEvent ? "conversion" : "decision")"), "\(text)")
    #expect(text.contains("variation_id: \"?\"") != hasEvent && text.contains("experiment_id: experiment_id") != hasEvent, "\(text)")
  }

  private func native(_ name: String, _ cells: [String]) -> String {
    Proposals.text(["visitor_id", "entity_id", "timestamp", name], cells.enumerated().map { ["v\($0)", "9", time, $1] })
  }

  @Test("columns that native rows do not have are listed, and what looks like money or a natural id is a field")
  func leftOver() {
    let cents = native("total_cents", ["1999", "500"])
    #expect(cents.contains("entity_id: entity_id") && cents.contains("revenue: {from: total_cents, unit: minor}"), "\(cents)")
    #expect(cents.contains("# QUESTION"), "\(cents)")
    for name in ["amount_in_cents", "Betrag"] {
      let text = native(name, ["1999", "500"])
      #expect(text.contains("revenue: {from: \(name), unit: "), "\(text)")
    }
    let orders = native("order_no", ["A1", "A2"])
    #expect(orders.contains("uuid: {from: [order_no, entity_id]}"), "\(orders)")
    let colours = native("colour", ["red", "red"])
    #expect(colours.contains("# Columns that native rows do not have: colour") && colours.contains("#   colour: colour"), "\(colours)")
  }

  @Test("native columns that do not hold what they should are told")
  func badNative() throws {
    let floats = Proposals.text(
      ["visitor_id", "entity_id", "timestamp"], [["v", "50001.0", time], ["w", "50001.0", time]])
    #expect(floats.contains("QUESTION: entity_id has numbers like 50001.0"), "\(floats)")
    #expect(!floats.contains("hold what they should"))
    let mails = Proposals.text(
      ["visitor_id", "entity_id", "timestamp"], [["anna@example.com", "9", time], ["b@example.com", "9", time]])
    #expect(mails.contains("visitor_id: {sha256: {from: visitor_id, text: [trim, lowercase]}, salt: \"${SALT}\"}"), "\(mails)")
    #expect(mails.contains("timestamp: timestamp") && !mails.contains("hold what they should"), "\(mails)")
    #expect(Proposals.reads(mails))
    let rounded = Proposals.text(["visitor_id", "entity_id", "timestamp"], [["9.56E+09", "9", time]])
    #expect(rounded.contains("QUESTION: visitor_id has numbers like 9.56E+09"), "\(rounded)")
    let some = Proposals.text(
      ["visitor_id", "entity_id", "timestamp"], (0..<20).map { ["v", $0 == 7 ? "n/a" : "9", time] })
    #expect(some.contains("1 of 20 cells of entity_id is no id") && !some.contains("hold what they should"), "\(some)")
    let good = Proposals.text(["visitor_id", "entity_id", "timestamp", "revenue"], [["v", "9", time, "20"]])
    #expect(good.contains("hold what they should in its first row"), "\(good)")
  }

  @Test(
    "amounts are found by a word of a column's name, hundredths by the word cents, and what counts something else is none",
    arguments: [
      ("Revenue (USD)", ["19.99"], "revenue: {from: \"Revenue (USD)\", unit: major}"), ("Betrag", ["19,99"], "decimal: \",\""),
      ("amount_cents", ["1999"], "revenue: {from: amount_cents, unit: minor}"), ("orderTotalCents", ["1999.0"], "unit: minor"),
      ("amount_cents", ["19.99"], "unit: \"?\""), ("total_items", ["3"], nil), ("tax_amount", ["1.99"], nil),
    ] as [(String, [String], String?)])
  func amounts(name: String, cells: [String], line: String?) {
    let text = Proposals.column(name, cells)
    if let line { #expect(text.contains(line), "\(text)") } else { #expect(!text.contains("revenue:"), "\(text)") }
    if line?.contains("minor") == true { #expect(text.contains("# QUESTION: the name says"), "\(text)") }
  }

  @Test("addresses of people are not offered as tags")
  func mails() {
    let text = Proposals.text(
      ["user", "goal", "ts", "contact", "plan"], [["u", "9", time, "anna@example.com", "gold"], ["v", "9", time, nil, "gold"]])
    #expect(text.contains("# contact has addresses of people") && !text.contains("contact: contact"), "\(text)")
    #expect(text.contains("#   plan: plan"), "\(text)")
  }

  @Test("a list inside of rows is told, with the key that takes it apart")
  func lists() {
    let text = Proposals.text(
      ["user", "goal", "ts", "orders.items[]"], [["u", "9", time, nil]], .ndjson)
    #expect(text.contains("# orders.items is a list") && text.contains("#   explode: orders.items"), "\(text)")
    let native = Proposals.text(["visitor_id", "entity_id", "timestamp", "cart[]"], [["u", "9", time, nil]], .ndjson)
    #expect(native.contains("#   explode: cart") && native.contains("do not have: \"cart[]\""), "\(native)")
  }

  @Test("columns that are named as native rows name tags, properties and attributes are sent under their own names")
  func members() throws {
    let columns = ["user", "goal", "ts", "tags.sku", "properties.p", "attributes.plan"]
    let text = Proposals.text(columns, [["u", "9", time, "x", "y", "gold"]])
    for line in ["    tags: {\"*\": tags}", "    properties: {\"*\": properties}", "    # attributes: {\"*\": attributes}"] {
      #expect(text.contains(line), "\(line) in\n\(text)")
    }
    #expect(text.contains("# QUESTION: plan: attributes without a known entity id") && !text.contains("tags.sku"), "\(text)")
    #expect(Proposals.reads(text))
    let datafile = try Datafile(Array(#"{"accountId":"7","attributes":[{"id":"31","key":"plan"}]}"#.utf8))
    let known = Proposals.text(columns, [["u", "9", time, "x", "y", "gold"]], datafile: datafile)
    #expect(known.contains("    attributes: {\"*\": attributes}") && !known.contains("# attributes: "), "\(known)")
    let money = Proposals.text(["user", "goal", "ts", "tags.total", "tags.sku"], [["u", "9", time, "19.99", "x"]], .ndjson)
    #expect(money.contains("revenue: {from: tags.total, unit: major}") && money.contains("#   sku: tags.sku"), "\(money)")
  }
}
