import Configuring
import Normalizing
import Testing
import Vocabulary

@Suite("Configurations as text")
struct ConfigurationTextTests {
  private func again(_ inputs: [ConfiguredInput], _ settings: [(String, String)] = [], _ attributes: [String: String] = [:]) throws
    -> ConfigurationFile
  {
    let text = ConfigurationText(settings: settings.map { (key: $0.0, value: $0.1) }, attributes: attributes, inputs: inputs).text
    do throws(ConfigurationFault) {
      return try ConfigurationTests.read(text)
    } catch {
      Issue.record("\(error)\n\(text)")
      throw error
    }
  }

  @Test("each preset, written and read again, is the same mapping", arguments: Presets.names)
  func presets(name: String) throws {
    let datafile = try Datafile(
      Array(
        #"""
        {"events": [{"id": "1", "key": "Order Completed"}],
         "experiments": [{"id": "2", "key": "te: #st", "layerId": "3", "variations": [{"id": "4", "key": "a\n\"b"}]}]}
        """#.utf8))
    var mapping = try Presets.mapping(name, datafile: datafile)
    let input = ConfiguredInput(files: ["a b.csv", "-"], record: .conversion, form: InputForm(delimiter: ";"), mapping: mapping)
    let read = try again([input])
    // What tables are called stays behind.
    for (field, source) in mapping.fields { mapping.fields[field] = bare(source) }
    mapping.name = "configuration"
    mapping.isPreset = false
    #expect(read.inputs == [ConfiguredInput(files: input.files, record: .conversion, form: input.form, mapping: mapping)])
  }

  @Test("where it is only looked at, values of the environment stand by their names, the longest first, and tables are cut off")
  func omitting() throws {
    let table = Dictionary(uniqueKeysWithValues: (10..<20).map { ("k\($0)", "id-secret-\($0)") })
    let mapping = Mapping(name: "m", fields: [.entity: .lookup(.constant("a secret-one $ secret"), Lookup(table, otherwise: .keep))])
    let text = ConfigurationText(
      settings: [(key: "account_id", value: "secret"), (key: "state", value: "plain")], attributes: [:],
      inputs: [ConfiguredInput(files: ["f"], record: nil, form: InputForm(), mapping: mapping)],
      omitting: .init(variables: ["SHORT": "secret", "LONG": "secret-one", "EMPTY": ""], tableLimit: 2)
    ).text
    for part in [
      "account_id: \"${SHORT}\"", "state: plain", "const: \"a ${LONG} $$ ${SHORT}\"",
      "k10: \"id-${SHORT}-10\", k11: \"id-${SHORT}-11\", …: 8 more}",
    ] { #expect(text.contains(part), "\(part) in\n\(text)") }
    #expect(!text.contains("secret"))
  }

  private func bare(_ source: Source) -> Source {
    switch source {
    case .lookup(let inner, let lookup): .lookup(bare(inner), Lookup(lookup.table, otherwise: lookup.otherwise))
    case .converted(let inner, let conversion): .converted(bare(inner), conversion)
    case .first(let sources): .first(sources.map(bare))
    case .join(let sources, let separator): .join(sources.map(bare), separator: separator)
    case .hashed(let inner, let salt): .hashed(bare(inner), salt: salt)
    case .path, .constant, .eventID: source
    }
  }

  @Test("settings, forms and every kind of value, written and read again, are the same, whatever the texts hold", arguments: 0..<40)
  func roundTrip(seed: Int) throws {
    var random = Numbers(state: UInt64(seed) &* 0x9e37_79b9_7f4a_7c15 &+ 1)
    func text() -> String {
      let pieces = [
        "a", "user", ".", "id", " ", "$", "${X}", "\"", "'", "\\", ":", "#", "[", "]", "{", "}", ",", "-", "é", "\u{1f600}", "\n", "\t",
        "\u{85}",
        "\u{2028}", "\u{0}", "true", "null", "~", "0", "1e5", "*", "&", "!", "%", "@", "`", "|", ">", "\u{7f}", "\u{202e}", "=",
      ]
      let text = (0..<(1 + random.below(4))).map { _ in pieces[random.below(pieces.count)] }.joined()
      return text
    }
    func source(_ depth: Int) -> Source {
      switch random.below(depth > 2 ? 2 : 10) {
      case 0: .path(Path(text()))
      case 1: .constant(text())
      case 2: .first([source(depth + 1), source(depth + 1)])
      case 3: .join([source(depth + 1), source(depth + 1)], separator: text())
      case 4:
        .lookup(
          source(depth + 1),
          Lookup([text(): text(), text(): text()], otherwise: [.reject, .keep, .absent, .constant(text())][random.below(4)]))
      case 5:
        .converted(
          source(depth + 1),
          [
            .time(.native, zone: "Europe/Paris"), .time(.anyEpoch, zone: nil), .time(.epoch(.seconds), zone: nil),
            .time(.spreadsheet1904, zone: "UTC"), .time(.pattern("d.M.yyyy HH:mm"), zone: "+02:00"), .time(.iso8601, zone: nil),
          ][random.below(6)])
      case 6:
        .converted(source(depth + 1), .money(MoneyFormat(unit: .major, exponent: 3, number: NumberFormat(group: ","), rounding: .halfEven)))
      case 7: .hashed(source(depth + 1), salt: "${X:-a}" + ["", "$$", "é"][random.below(3)])
      case 8: .converted(source(depth + 1), .text([.trim, .lowercase]))
      default: .converted(source(depth + 1), .number(NumberFormat(decimal: ",", group: "\u{202f}")))
      }
    }
    var mapping = Mapping(name: "configuration", fields: [:])
    for field in Field.allCases where field != .uuid { mapping.fields[field] = source(0) }
    mapping.fields[.uuid] = .eventID([.path(Path(text())), .path(Path(text()))])
    mapping.tags = [
      .one(name: "n" + text(), source(0), .number), .members(of: Path(text())), .pairs(of: Path(text()), name: "k", value: ["a", "b.c"]),
    ]
    mapping.attributes = [
      .one(key: "n" + text(), entity: text(), source(0), nil), .members(of: Path(text())),
      .elements(
        of: Path(text()), filters: [ElementFilter(text(), isOneOf: random.below(2) == 0, [text(), text()])], type: "t", entity: "e",
        key: "k",
        value: "v", entityOnlyForCustom: random.below(2) == 0),
    ]
    mapping.conditions = [
      Condition(.path("x"), .isOneOf([text()])), Condition(.path("x"), .isNoneOf([text()])), Condition(.path(Path(text())), .isEmpty),
      Condition(.path("x"), .less("5")), Condition(.path("x"), .less("1.5")), Condition(.path("y"), .isNotEmpty),
    ]
    mapping.ignored = [Path(text())]
    mapping.explode = "a.b"
    let input = ConfiguredInput(
      files: [text()], record: nil,
      form: InputForm(format: .json, delimiter: "\t", quote: "", comment: "#", header: false, skip: 3, encoding: .latin1), mapping: mapping)
    let read = try again([input], [("account_id", text()), ("endpoint", text())], [text(): text()])
    #expect(read.inputs.first?.form == input.form && read.inputs.first?.files == input.files)
    let got = try #require(read.inputs.first?.mapping)
    for field in Field.allCases { #expect(got.fields[field] == mapping.fields[field]) }
    #expect(got == mapping)
    #expect(read.settings.count == 2 && read.attributes.count == 1)
  }
}

/// Numbers that a seed decides.
private struct Numbers {
  var state: UInt64

  mutating func below(_ bound: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int((state >> 33) % UInt64(bound))
  }
}
