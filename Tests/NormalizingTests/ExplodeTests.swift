import Foundation
import Testing
import Vocabulary

@testable import Normalizing

@Suite("Rows whose lists are taken apart")
struct ExplodeTests {
  /// One conversion for each of a visitor's items.
  private static func orders(_ explode: Path = "orders.items") -> Mapping {
    Mapping(
      name: "orders",
      fields: [
        .visitor: .path("user"), .entity: .path("orders.items.event"), .timestamp: .path("orders.at"), .uuid: .path("orders.items.id"),
        .key: .path("orders.items"), .session: .path("orders.sessions[id=orders.items.session].name"), .value: .path("orders.items[1].x"),
      ].filter { $0.key != .key && $0.key != .value },
      explode: explode)
  }

  private func fates(_ text: String, _ mapping: Mapping = orders()) throws -> [Fate] {
    var harness = try Harness(mapping, kind: .conversion)
    return try harness.normalizeAll(text)
  }

  private static let at = 1_700_000_000_000

  @Test("each element is a record, with the values of what it lies in")
  func elements() throws {
    let row = #"""
      {"orders":[{"at":1700000000000,"items":[{"event":"1","id":"a"},{"event":"2","id":"b"}]},
                 {"items":[{"event":"3","id":"c"}],"at":1700000000001}],"user":"v"}
      """#
    let records = try fates(row).map { try #require($0.record) }
    #expect(records.map(\.eventID) == ["a", "b", "c"])
    #expect(records.map(\.timestamp) == [1_700_000_000_000, 1_700_000_000_000, 1_700_000_000_001])
    #expect(records.allSatisfy { $0.visitor == "v" })
    #expect(records[1].event.hasPrefix(#"{"entity_id":"2","#))
  }

  @Test(
    "a row without elements is filtered once, and one in which something else stands on the way is one reject, none of it taken",
    arguments: [
      (#"{"user":"v"}"#, "filtered"), (#"{"user":"v","orders":null}"#, "filtered"), (#"{"user":"v","orders":[]}"#, "filtered"),
      (#"{"user":"v","orders":[{"at":1},{"items":null},{"items":[]}]}"#, "filtered"),
      (#"{"user":"v","orders":5}"#, "wrong-type"), (#"{"user":"v","orders":""}"#, "wrong-type"),
      (#"{"user":"v","orders":[{"at":1700000000000,"items":[{"event":"1","id":"a"}]},{"items":"x"}]}"#, "wrong-type"),
      (#"{"user":"v","orders":[{"at":1700000000000,"items":[{"event":"1","id":"a"}]},7]}"#, "wrong-type"),
      (#"{"user":"v","orders":[null]}"#, "wrong-type"),
    ])
  func none(row: String, expected: String) throws {
    let fates = try fates(row)
    try #require(fates.count == 1)
    #expect(expected == (fates[0] == .filtered ? "filtered" : fates[0].reject?.code.rawValue), "\(fates[0])")
  }

  @Test("an object counts as a list of one, at every level")
  func objects() throws {
    let records = try fates(#"{"user":"v","orders":{"at":1700000000000,"items":{"event":"1","id":"a"}}}"#)
    #expect(records.map { $0.record?.eventID } == ["a"])
  }

  @Test("a bad element is a reject of its own that says which it is, and the others are taken")
  func bad() throws {
    let row = #"{"user":"v","orders":[{"at":1700000000000,"items":[{"event":"1","id":"a"},{"id":"b"},5,{"event":"4","id":"d"}]}]}"#
    let fates = try fates(row)
    #expect(fates.map { $0.record?.eventID } == ["a", nil, nil, "d"])
    let reject = try #require(fates[1].reject)
    #expect(reject.code == .missingField && reject.column == "orders.items.event")
    #expect(reject.message.hasSuffix("(element 2 of orders.items)"), "\(reject.message)")
    #expect(fates[2].reject?.code == .wrongType)
  }

  @Test("an element of another list is chosen by what the element at hand says, the first that fits")
  func choice() throws {
    let row = #"""
      {"user":"v","orders":[{"at":1700000000000,"sessions":[{"id":"x"},{"id":7,"name":"s7"},{"id":"7","name":"late"},null,3],
        "items":[{"event":"1","id":"a","session":"7"},{"event":"1","id":"b","session":"8"},{"event":"1","id":"c"},
                 {"event":"1","id":"d","session":"x"},{"event":"1","id":"e","session":["7"]}]}]}
      """#
    #expect(
      try fates(row).map { try #require($0.record).group } == [#","session_id":"s7""#, "", "", "", ""])
  }

  @Test("conditions filter elements one by one")
  func filter() throws {
    var mapping = Self.orders()
    mapping.conditions = [Condition(.path("orders.items.event"), .isOneOf(["1"]))]
    let row = #"{"user":"v","orders":[{"at":1700000000000,"items":[{"event":"1","id":"a"},{"event":"2"},{"event":"1","id":"c"}]}]}"#
    #expect(try fates(row, mapping).map { $0 == .filtered ? "-" : $0.record?.eventID } == ["a", "-", "c"])
  }

  @Test("elements that are values themselves are reached by the list's own path")
  func scalars() throws {
    var mapping = Self.orders("ids")
    mapping.fields = [.visitor: .path("user"), .entity: .constant("9"), .timestamp: .path("at"), .uuid: .path("ids")]
    #expect(try fates(#"{"user":"v","at":1700000000000,"ids":["a",7]}"#, mapping).map { $0.record?.eventID } == ["a", "7"])
    #expect(try fates(#"{"user":"v","at":1700000000000,"ids":[null]}"#, mapping)[0].record?.isDerived == true)
  }

  @Test("an element that a path names by its index is that one, whichever is at hand")
  func index() throws {
    var mapping = Self.orders()
    mapping.fields[.session] = .path("orders[0].name")
    mapping.fields[.key] = .path("orders.items[0].event")
    let row = #"""
      {"user":"v","orders":[{"name":"n","at":1700000000000,"items":[{"event":"1","id":"a"}]},
        {"at":1700000000000,"items":[{"event":"2","id":"b"},{"event":"3","id":"c"}]}]}
      """#
    let records = try fates(row, mapping).map { try #require($0.record) }
    #expect(records.map(\.group) == [#","session_id":"n""#, #","session_id":"n""#, #","session_id":"n""#])
    #expect(records.map { $0.event.contains(#""key":"1""#) } == [true, false, false])
    #expect(records[2].event.contains(#""key":"2""#))
  }

  @Test("escapes in the row are read before its list is taken apart")
  func escapes() throws {
    let row = #"{"us\u0065r":"v\n","orders":[{"\u0061t":1700000000000,"items":[{"event":"\u0031","id":"a\"1"},{"event":"2","id":"b"}]}]}"#
    let records = try fates(row).map { try #require($0.record) }
    #expect(records.map(\.visitor) == [#"v\n"#, #"v\n"#] && records.map(\.eventID) == [#"a\"1"#, "b"])
  }

  @Test("columns hold no lists, and brackets name no list: both are refused before rows are read")
  func refusals() {
    #expect(throws: HeaderRefusal.self) { _ = try Harness(Self.orders(), header: ["user", "orders.items"]) }
    #expect(throws: HeaderRefusal.self) { _ = try Harness(Self.orders("orders[0].items")) }
  }

  @Test("elements and their parents are those of an obvious walk", arguments: 0..<60)
  func oracle(seed: Int) throws {
    var random = Seeded(seed)
    func list(_ depth: Int) -> Any {
      let count = random.below(4)
      switch random.below(8) {
      case 0: return NSNull()
      case 1: return object(depth)
      default: return (0..<count).map { _ in object(depth) }
      }
    }
    func object(_ depth: Int) -> [String: Any] {
      var members: [String: Any] = ["n": "\(random.below(1000))"]
      if depth < 3, random.below(6) > 0 { members["l"] = list(depth + 1) }
      return members
    }
    let row: [String: Any] = ["user": "v", "l": list(1)]
    func elements(_ value: Any?) -> [[String: Any]] {
      if let many = value as? [[String: Any]] { return many }
      return (value as? [String: Any]).map { [$0] } ?? []
    }
    var expected: [String] = []
    for one in elements(row["l"]) {
      for two in elements(one["l"]) {
        for three in elements(two["l"]) { expected.append("\(one["n"]!)-\(two["n"]!)-\(three["n"]!)") }
      }
    }
    let mapping = Mapping(
      name: "walk",
      fields: [
        .visitor: .path("user"), .entity: .constant("9"), .timestamp: .constant("1700000000000"),
        .uuid: .join([.path("l.n"), .path("l.l.n"), .path("l.l.l.n")], separator: "-"),
      ], explode: "l.l.l")
    let text = String(decoding: try JSONSerialization.data(withJSONObject: row), as: UTF8.self)
    let fates = try fates(text, mapping)
    if expected.isEmpty { #expect(fates == [.filtered]) } else { #expect(fates.map { $0.record?.eventID } == expected) }
  }
}

@Suite("Paths")
struct PathTests {
  @Test(
    "a path's text is what was written, and its steps are names, indexes and choices",
    arguments: [
      ("a", "a"), ("user.id", "user|id"), ("items[0].price", "items|#0|price"), ("a[1][2].b", "a|#1|#2|b"), ("a.", "a|"), (".a", "|a"),
      ("price [USD]", "price [USD]"), ("[0]", "[0]"), ("a.[0]", "a|[0]"), ("a[b", "a[b"), ("a[0]b", "a[0]b"), ("a[]", "a[]"),
      ("a[=1]", "a[=1]"), ("a[k=]", "a[k=]"), ("a[k='']", "a|k=''"), ("a[k='x.y]']", "a|k='x.y]'"), ("a[k='x'].v.w", "a|k='x'|v|w"),
      ("a[k=7]", "a|k='7'"), ("d[id=e.f[0].g].h", "d|id=(e|#0... )"), ("a[k='x]", "a[k='x]"),
      ("a[99999999999999999999]", "a[99999999999999999999]"),
    ])
  func parse(text: String, steps: String) {
    let path = Path(text)
    #expect(path.description == text)
    let written = path.steps.map(written).joined(separator: "|")
    #expect(written == (steps.contains("...") ? "d|id=(e|f|#0|g)|h" : steps))
  }

  private func written(_ step: Path.Step) -> String {
    switch step {
    case .member(let name): name
    case .element(let index): "#\(index)"
    case .text(let member, let text): "\(member)='\(text)'"
    case .path(let member, let path): "\(member)=(\(path.steps.map(written).joined(separator: "|")))"
    }
  }

  @Test("choices nest four deep, and what lies deeper is part of a name", arguments: [1, 4, 5, 6, 2000])
  func nesting(depth: Int) {
    var path = Path(String(repeating: "a[b=", count: depth) + "c" + String(repeating: "]", count: depth))
    var found = 0
    while path.steps.count == 2, case .path(_, let inner) = path.steps[1] {
      found += 1
      path = inner
    }
    #expect(found == min(depth, 4) && path.steps.count == 1)
  }

  @Test("a member that has a whole path for a name is found when the way leads nowhere")
  func whole() throws {
    var mapping = Mapping.native
    mapping.fields[.visitor] = .path("user.id")
    let rest = #""entity_id":"5","uuid":"u","timestamp":1700000000000"#
    for (members, visitor) in [
      (#""user.id":"a""#, "a"), (#""user.id":"a","user":{"id":"b"}"#, "b"), (#""user.id":"a","user":{"name":"b"}"#, "a"),
      (#""user.id":"a","user":5"#, "a"),
    ] { #expect(try json("{\(rest),\(members)}", mapping).record?.visitor == visitor) }
  }

  @Test("an element is chosen by a text, and what no element has is absent")
  func text() throws {
    var mapping = Mapping.native
    mapping.fields[.visitor] = .path("params[key='user id'].value.text")
    let rest = #""entity_id":"5","uuid":"u","timestamp":1700000000000"#
    let params = #""params":[{"key":"x","value":{"text":"no"}},{"key":"user id","value":{"text":"a"}}]"#
    #expect(try json("{\(rest),\(params)}", mapping).record?.visitor == "a")
    Expected.reject(.missingField, "params[key='user id'].value.text").check(try json("{\(rest),\"params\":{}}", mapping))
  }
}
