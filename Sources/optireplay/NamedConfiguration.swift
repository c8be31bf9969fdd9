import Configuring
import Disk
import Foundation
import Pipeline
import Vocabulary

/// A configuration by the path of its file.
struct NamedConfiguration {
  let path: String
  let file: ConfigurationFile

  /// Reads the file. Throws 66 when it cannot be read, and 78 with all that is wrong with it.
  init(_ path: String) throws(RunFailure) {
    self.path = path
    let bytes: [UInt8]
    do throws(DiskFailure) {
      bytes = try Folder.read(path)
    } catch {
      throw error.runFailure(forInput: true)
    }
    do throws(ConfigurationFault) {
      file = try ConfigurationFile(
        String(decoding: bytes, as: UTF8.self), file: path, settings: Given.names.map(Given.key),
        formats: InputFormatArgument.allCases.map(\.rawValue), variables: ProcessInfo.processInfo.environment)
    } catch {
      throw RunFailure(.configuration, error.description)
    }
  }

  /// Its inputs, by absolute path. Relative paths count from the folder of the file.
  func inputs() throws(RunFailure) -> [ImportSpecification.Input] {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    var found: [ImportSpecification.Input] = []
    for input in file.inputs {
      let files = input.files.map { $0 == "-" || $0.hasPrefix("/") ? $0 : folder + "/" + $0 }
      let named =
        switch input.record {
        case nil: NamedInputs(files: files, format: input.format)
        case .decision: NamedInputs(decisions: files, format: input.format)
        case .conversion: NamedInputs(conversions: files, format: input.format)
        }
      for var resolved in try named.resolved() {
        resolved.mapping = input.mapping
        resolved.delimiter = input.delimiter
        resolved.quote = input.quote
        found.append(resolved)
      }
    }
    guard found.count <= Limits.inputs else {
      throw RunFailure(.usage, "\(found.count) inputs are named, and a run takes \(Limits.inputs) at most; import them in parts")
    }
    return found
  }
}
