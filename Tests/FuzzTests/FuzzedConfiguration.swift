import Configuring
import Normalizing
import Vocabulary

private let settings = ["account_id", "endpoint", "memory", "accept", "datafile", "max_rejects"]

private func read(_ text: String) throws(ConfigurationFault) -> ConfigurationFile {
  try ConfigurationFile(text, file: "import.yaml", settings: settings, variables: ["X": "1"])
}

/// The configuration as text; what its mappings are called stays behind.
private func written(_ file: ConfigurationFile) -> String {
  let inputs = file.inputs.map { input in
    var input = input
    input.mapping?.name = "mapping"
    return input
  }
  let settings = file.settings.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value) }
  return ConfigurationText(settings: settings, attributes: file.attributes, inputs: inputs).text
}

/// Any text is a configuration or is refused with words; what is one, written and read again, is the same.
func feedConfiguration(_ input: inout Input) throws {
  guard let text = String(validating: input.rest(), as: UTF8.self) else { return }
  _ = ConfigurationFile.said(of: "datafile", text, variables: [:])
  let file: ConfigurationFile
  do throws(ConfigurationFault) {
    file = try read(text)
  } catch {
    return try expect(!error.problems.isEmpty && error.problems.allSatisfy { !$0.message.isEmpty }, "it is refused without a word")
  }
  let again = written(file)
  do {
    let file = try read(again)
    let third = written(file)
    try expect(third == again, "written again, it is another configuration:\n\(again)\n\(third)")
  } catch let fault as ConfigurationFault {
    throw Finding("written again, it is refused: \(fault)\n\(again)")
  }
}
