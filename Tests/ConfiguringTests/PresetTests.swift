import Configuring
import Normalizing
import Testing
import Vocabulary

@Suite("Presets")
struct PresetTests {
  private static let datafile = """
    {"accountId": "1", "events": [{"id": "21", "key": "buy"}],
     "experiments": [{"id": "12", "key": "checkout", "layerId": "11", "variations": [{"id": "13", "key": "a"}]}]}
    """

  private func datafile() throws -> Datafile { try Datafile(Array(PresetTests.datafile.utf8)) }

  @Test("each preset is a text whose configuration reads as the preset itself", arguments: Presets.names)
  func texts(name: String) throws {
    let mapping = try Presets.mapping(name, datafile: try datafile())
    #expect(mapping.name == name && mapping.isPreset)
    let text = try #require(Presets.configuration(name))
    let file = try ConfigurationFile(
      text, file: name, settings: ["account_id"], variables: ["ACCOUNT_ID": "1", "FILES": "x.ndjson"]
    ) { _ throws(Datafile.Fault) in try Datafile(Array(PresetTests.datafile.utf8)) }
    var expected = mapping
    expected.name = "configuration"
    expected.isPreset = false
    #expect(file.inputs.map(\.mapping) == [expected] && file.inputs[0].files == ["x.ndjson"])
  }

  @Test("native rows are what is read without any preset")
  func native() throws { #expect(try Presets.mapping("native", datafile: nil) == .native) }

  @Test("what a preset needs a datafile for can be mapped otherwise", arguments: ["segment", "ga4"])
  func needsDatafile(name: String) throws {
    #expect(throws: Datafile.Fault.self) { try Presets.mapping(name, datafile: nil) }
    let ids: Set<String> = ["entity_id", "campaign_id", "experiment_id", "variation_id"]
    let mapping = try Presets.mapping(name, datafile: nil, replacing: ids)
    #expect(mapping.fields[.entity] == nil && mapping.fields[.visitor] != nil)
    let file = try ConfigurationTests.read(
      "inputs: [{files: a, preset: \(name), fields: {entity_id: e, campaign_id: c, experiment_id: x, variation_id: v}}]")
    #expect(file.inputs[0].mapping?.fields[.entity] == .path("e"))
    #expect(file.inputs[0].mapping?.name == "\(name), changed" && file.inputs[0].mapping?.isPreset == false)
    #expect(throws: ConfigurationFault.self) { try ConfigurationTests.read("inputs: [{files: a, preset: \(name)}]") }
  }

  @Test("a name of none is told with the closest")
  func unknown() {
    do throws(ConfigurationFault) {
      _ = try ConfigurationTests.read("inputs: [{files: a, preset: segmnt}]")
      Issue.record("it was read")
    } catch {
      #expect(error.description.contains("did you mean segment?"), "\(error.description)")
    }
    #expect(Presets.text("none") == nil && Presets.configuration("none") == nil)
  }
}
