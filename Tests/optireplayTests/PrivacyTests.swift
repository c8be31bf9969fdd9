import Foundation
import Testing
import Vocabulary

/// What others may plant in a state folder, and what may not be lost in one.
@Suite("A state folder among others")
struct PrivacyTests {
  private func command(_ name: String, _ folder: ScratchFolder, _ state: String, _ flags: [String] = []) throws -> [String] {
    let file = try folder.write("visitor_id,entity_id,timestamp\nanna,9,1700000000000\n", to: "rows.csv")
    return [name, file, "--account-id", "1", "--state", folder.path + "/" + state] + flags
  }

  private func link(_ folder: ScratchFolder, _ name: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(atPath: folder.path + "/" + name, withDestinationPath: folder.path + "/" + target)
  }

  @Test("a plan never drops a state folder that has the name of its own")
  func planBesideState() throws {
    let folder = try ScratchFolder()
    #expect(try Program().run(try command("import", folder, "data/plan")).exit == .complete)
    let planned = try Program().run(try command("plan", folder, "data"))
    #expect(planned.exit == .usage)
    #expect(planned.errors.contains("this is a state folder that remembers runs"))
    let again = try Program().run(try command("import", folder, "data/plan", ["--json"]))
    #expect(try again.json()["requests"] as? Int == 0)
  }

  @Test("a plan that a link leads to another state folder drops nothing of that")
  func linkedPlan() throws {
    let folder = try ScratchFolder()
    #expect(try Program().run(try command("import", folder, "real")).exit == .complete)
    try FileManager.default.createDirectory(atPath: folder.path + "/other", withIntermediateDirectories: true)
    try link(folder, "other/plan", to: "real")
    #expect(try Program().run(try command("plan", folder, "other")).exit == .diskTrouble)
    let again = try Program().run(try command("import", folder, "real", ["--json"]))
    #expect(try again.json()["requests"] as? Int == 0)
  }

  @Test("nothing is remembered in the folder that plans make anew")
  func importIntoPlan() throws {
    let folder = try ScratchFolder()
    for _ in 1...2 { #expect(try Program().run(try command("plan", folder, "data")).exit == .complete) }
    let imported = try Program().run(try command("import", folder, "data/plan"))
    #expect(imported.exit == .usage)
    #expect(imported.errors.contains("which it makes anew each time"))
  }

  @Test(
    "a link in the state folder is refused, and nothing is written or removed where it leads",
    arguments: [
      "runs", "runs/1", "checkpoint.sqlite", "sandbox.sqlite", "lock",
    ])
  func plantedLinks(name: String) throws {
    let folder = try ScratchFolder()
    for path in ["state/runs", "victim/1/staging", "victim/staging"] {
      try FileManager.default.createDirectory(atPath: folder.path + "/" + path, withIntermediateDirectories: true)
    }
    for path in ["victim/1/staging/kept", "victim/staging/kept"] { try folder.write("kept", to: path) }
    if name == "runs" { try FileManager.default.removeItem(atPath: folder.path + "/state/runs") }
    let target = name.hasPrefix("runs") ? "victim" : "victim/1/staging/kept"
    try link(folder, "state/" + name, to: target)
    let before = try FileManager.default.subpathsOfDirectory(atPath: folder.path + "/victim").sorted()
    let outcome = try Program().run(try command("import", folder, "state"))
    #expect(outcome.exit == .diskTrouble, "\(outcome.errors)")
    #expect(try FileManager.default.subpathsOfDirectory(atPath: folder.path + "/victim").sorted() == before)
    #expect(try String(contentsOfFile: folder.path + "/victim/1/staging/kept", encoding: .utf8) == "kept")
  }

  @Test("a state folder that others may write into is told", arguments: [(0o777, true), (0o770, true), (0o755, false), (0o700, false)])
  func writableByOthers(mode: Int, isTold: Bool) throws {
    let folder = try ScratchFolder()
    let state = folder.path + "/state"
    try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: state)
    let outcome = try Program().run(try command("import", folder, "state"))
    #expect(outcome.exit == .complete)
    #expect(outcome.errors.contains("others could change what is sent") == isTold, "\(outcome.errors)")
  }

  @Test("no message repeats an endpoint or a proxy that may hold a password", arguments: ["ENDPOINT", "PROXY"])
  func secrets(name: String) throws {
    let folder = try ScratchFolder()
    var program = Program()
    program.environment = ["OPTIREPLAY_" + name: "htp://me:hush@127.0.0.1:1/?key=hush"]
    let outcome = try program.run(try command("import", folder, "state", name == "PROXY" ? ["--endpoint", "http://there.test/"] : []))
    #expect(outcome.exit == .configuration, "\(outcome.errors)")
    #expect(!(outcome.output + outcome.errors).contains("hush"))
    #expect(outcome.errors.contains(name == "PROXY" ? "--proxy: not a proxy address" : "OPTIREPLAY_ENDPOINT"))
  }

  @Test("authorities that cannot be read are told before anything is read")
  func noAuthorities() throws {
    let folder = try ScratchFolder()
    let flags = ["--endpoint", "https://there.test/v1/events", "--ca-file", folder.path + "/none.pem"]
    let outcome = try Program().run(try command("import", folder, "state", flags))
    #expect(outcome.exit == .configuration)
    #expect(outcome.errors.contains("none.pem: no PEM certificates could be read"))
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/state/checkpoint.sqlite"))
  }

  @Test("bodies go by the proxy that is named, and its password is stored nowhere")
  func proxy() throws {
    let folder = try ScratchFolder()
    // Nothing listens there, and without the proxy the name would not be found.
    let flags = ["--endpoint", "http://there.test/v1/events", "--proxy", "http://me:hush@127.0.0.1:1", "--retry-for", "0s"]
    let outcome = try Program().run(try command("import", folder, "state", flags))
    #expect(outcome.exit == .stopped)
    #expect(outcome.errors.contains("connection refused") && !outcome.errors.contains("not found"), "\(outcome.errors)")
    let grep = try shell("grep -r hush '\(folder.path)/state'")
    #expect(grep.status == 1 && grep.output.isEmpty)
  }
}
