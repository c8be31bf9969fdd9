import Foundation
import Testing
import Vocabulary

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The built program, run as a process.
struct Program {
  struct Outcome {
    var status: Int32
    var output: String
    var errors: String

    var exit: Vocabulary.ExitStatus? { Vocabulary.ExitStatus(rawValue: status) }

    /// The one JSON object on standard output.
    func json() throws -> [String: Any] {
      try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any], "\(output)\(errors)")
    }
  }

  /// Beside the test bundle lies the program that the package builds.
  static let path: String = {
    let bundle = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
    for folder in [bundle, root.appendingPathComponent(".build/debug")] {
      let candidate = folder.appendingPathComponent("optireplay").path
      if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
    }
    preconditionFailure("the program is not built; run Scripts/test")
  }()

  /// The top of the package.
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  var environment: [String: String] = [:]
  var folder: String?

  /// Runs the program to its end.
  func run(_ arguments: [String], input: String? = nil) throws -> Outcome {
    try finish(try start(arguments, input: input))
  }

  /// A started process with what it writes, which goes to files so that no pipe fills up.
  struct Running {
    let process: Process
    let output: URL
    let errors: URL
  }

  /// `handle` is its standard input, when it is not a text.
  func start(_ arguments: [String], input: String? = nil, from handle: FileHandle? = nil) throws -> Running {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Program.path)
    process.arguments = arguments
    var variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("OPTIREPLAY_") }
    for (name, value) in environment { variables[name] = value }
    process.environment = variables
    if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
    let base = FileManager.default.temporaryDirectory.appendingPathComponent("optireplay-\(UUID().uuidString)")
    let output = base.appendingPathExtension("out")
    let errors = base.appendingPathExtension("err")
    for url in [output, errors] { _ = FileManager.default.createFile(atPath: url.path, contents: nil) }
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    if let input {
      let file = base.appendingPathExtension("in")
      try Data(input.utf8).write(to: file)
      process.standardInput = try FileHandle(forReadingFrom: file)
    } else {
      process.standardInput = handle ?? FileHandle.nullDevice
    }
    try process.run()
    return Running(process: process, output: output, errors: errors)
  }

  func finish(_ running: Running) throws -> Outcome {
    running.process.waitUntilExit()
    let outcome = Outcome(
      status: running.process.terminationStatus, output: String(decoding: try Data(contentsOf: running.output), as: UTF8.self),
      errors: String(decoding: try Data(contentsOf: running.errors), as: UTF8.self))
    for url in [running.output, running.errors] { try FileManager.default.removeItem(at: url) }
    return outcome
  }
}

/// A sandbox in a process of its own, which ends with its owner.
final class SandboxProcess {
  let address: String
  private let running: Program.Running

  init(state: String, _ arguments: [String] = []) throws {
    running = try Program().start(["sandbox", "--port", "0", "--state", state] + arguments)
    // The first line of its output is the address; the file is looked at until it is there or the process has ended.
    var text = ""
    while !text.contains("\n"), running.process.isRunning {
      text = String(decoding: try Data(contentsOf: running.output), as: UTF8.self)
      usleep(2000)
    }
    address = try #require(text.split(separator: "\n").first.map(String.init), "the sandbox did not start")
  }

  func signal(_ number: Int32) { kill(running.process.processIdentifier, number) }

  deinit {
    running.process.terminate()
    running.process.waitUntilExit()
    for url in [running.output, running.errors] { try? FileManager.default.removeItem(at: url) }
  }

  /// What the sandbox answers to `GET /name`, as JSON.
  func get(_ name: String) throws -> [String: Any] {
    let base = address.replacing("/v1/events", with: "/" + name)
    let data = try httpBody(base)
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }
}

/// The body of a plain HTTP answer from this machine.
func httpBody(_ address: String) throws -> Data {
  let url = try #require(URL(string: address))
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  defer { close(descriptor) }
  var target = sockaddr_in()
  target.sin_family = sa_family_t(AF_INET)
  target.sin_port = in_port_t(try #require(url.port)).bigEndian
  target.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
  let connected = unsafe withUnsafePointer(to: &target) { pointer in
    unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
    }
  }
  try #require(connected == 0, "no connection to \(address)")
  let request = Array("GET \(url.path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8)
  try #require(unsafe send(descriptor, request, request.count, 0) == request.count)
  var answer: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let got = unsafe recv(descriptor, &buffer, buffer.count, 0)
    if got <= 0 { break }
    answer += buffer[..<got]
  }
  let end = try #require(Data(answer).range(of: Data("\r\n\r\n".utf8)))
  return Data(answer)[end.upperBound...]
}
