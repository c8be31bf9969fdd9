import Configuring
import Delivering
import Disk
import Foundation
import Pipeline
import Synchronization
import Vocabulary

/// A configuration by the path of its file.
struct NamedConfiguration {
  let path: String
  let file: ConfigurationFile

  /// The project's datafile, and its path or address; nil when none is named.
  let datafile: Datafile?
  let datafilePath: String?

  /// Reads the file, with the datafile that it names or the one at `datafile`. Throws 66 when it cannot be read, and 78 with all that is wrong
  /// with it.
  init(_ path: String, datafile named: String?) throws(RunFailure) {
    self.path = path
    let text = try NamedConfiguration.text(try NamedConfiguration.read(path), of: path)
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    var project: Datafile?
    var projectPath: String?
    do throws(ConfigurationFault) {
      file = try ConfigurationFile(
        text, file: path, settings: Given.names.map(Given.key), variables: ProcessInfo.processInfo.environment
      ) { key throws(Datafile.Fault) in
        guard let file = named ?? key.map({ $0.hasPrefix("/") || Fetched.isAddress($0) ? $0 : folder + "/" + $0 }) else { return nil }
        do throws(RunFailure) {
          projectPath = file
          project = try NamedConfiguration.datafile(file)
        } catch {
          throw Datafile.Fault(error.message)
        }
        return project
      } rows: { name throws(Datafile.Fault) in
        do throws(RunFailure) {
          return try tableRows(name.hasPrefix("/") ? name : folder + "/" + name)
        } catch {
          throw Datafile.Fault(error.message)
        }
      }
    } catch {
      throw RunFailure(.configuration, error.description)
    }
    datafile = project
    datafilePath = projectPath
  }

  /// Reads a datafile, or takes the one that was fetched from an address. Throws 66 when it cannot be read, and 78 when it is none.
  static func datafile(_ path: String) throws(RunFailure) -> Datafile {
    let bytes = if let fetched = Fetched.bytes(of: path) { fetched } else { try read(path) }
    do throws(Datafile.Fault) {
      return try Datafile(bytes)
    } catch {
      throw RunFailure(.configuration, "\(path): \(error.message)")
    }
  }

  /// The text of a file without its byte order mark. Throws 78 when it is not UTF-8.
  static func text(_ bytes: [UInt8], of path: String) throws(RunFailure) -> String {
    let bytes = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? bytes.dropFirst(3) : bytes[...]
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw RunFailure(.configuration, "\(path): this is not text in UTF-8; save it as UTF-8")
    }
    return text
  }

  static func read(_ path: String) throws(RunFailure) -> [UInt8] {
    do throws(DiskFailure) {
      return try Folder.read(path)
    } catch {
      throw error.runFailure(forInput: true)
    }
  }

  /// Its inputs, by absolute path. Relative paths count from the folder of the file; a folder means all files in it.
  func inputs() throws(RunFailure) -> [ImportSpecification.Input] {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    var found: [ImportSpecification.Input] = []
    for input in file.inputs {
      let files = input.files.map { $0 == "-" || $0.hasPrefix("/") ? $0 : folder + "/" + $0 }
        .map { Folder.isFolder($0) ? $0 + "/*" : $0 }
      let named =
        switch input.record {
        case nil: NamedInputs(files: files)
        case .decision: NamedInputs(decisions: files)
        case .conversion: NamedInputs(conversions: files)
        }
      let watchedPaths = input.mapping.map(Presets.ownPaths) ?? []
      for var resolved in try named.resolved() {
        resolved.mapping = input.mapping
        resolved.watchedPaths = watchedPaths
        resolved.form = input.form
        found.append(resolved)
      }
    }
    guard found.count <= Limits.inputs else {
      throw RunFailure(.usage, "\(found.count) inputs are named, and a run takes \(Limits.inputs) at most; import them in parts")
    }
    return found
  }
}

/// What was fetched from addresses before a command began, so that everything after works without waiting.
enum Fetched {
  private static let files = Mutex<[String: [UInt8]]>([:])

  static func isAddress(_ name: String) -> Bool { name.hasPrefix("http://") || name.hasPrefix("https://") }

  static func fetch(_ address: String, proxy: String? = nil, caFile: String? = nil) async throws(RunFailure) {
    let bytes = try await download(
      address, limitBytes: Limits.wholeFileBytes, proxy: proxy, caFile: caFile, environment: ProcessInfo.processInfo.environment)
    files.withLock { $0[address] = bytes }
  }

  static func bytes(of name: String) -> [UInt8]? { files.withLock { $0[name] } }
}
