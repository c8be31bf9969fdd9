import NIOHTTP1
import Testing
import Vocabulary

@testable import Delivering

@Suite("Files fetched from addresses", .timeLimit(.minutes(2))) struct DownloadTests {
  private func fetch(
    _ reply: ScriptedServer.Reply, limitBytes: Int = 100, timeLimit: Duration = .seconds(20)
  ) async throws -> Result<String, RunFailure> {
    let outcome = Held()
    try await ScriptedServer.serving { _ in
      reply
    } while: { server, address in
      do throws(RunFailure) {
        let bytes = try await download(address, limitBytes: limitBytes, timeLimit: timeLimit, environment: [:])
        outcome.result = .success(String(decoding: bytes, as: UTF8.self))
      } catch {
        outcome.result = .failure(error)
      }
      #expect(server.requests.allSatisfy { $0.method == .GET && $0.bodyCount == 0 })
    }
    return outcome.result
  }

  private final class Held {
    var result: Result<String, RunFailure> = .success("")
  }

  @Test("what a 200 holds is given, up to the limit", arguments: [0, 99, 100])
  func whole(count: Int) async throws {
    let text = String(repeating: "x", count: count)
    #expect(try await fetch(.status(200, [], text)).get() == text)
  }

  @Test("more bytes than the limit, and any other answer, end with 66 and say why")
  func refused() async throws {
    for (reply, words) in [
      (.status(200, [], String(repeating: "x", count: 101)), "more than 100 bytes"), (.status(404), "answers 404"),
      (.status(302, [("Location", "http://127.0.0.1:1/")]), "answers 302"), (.status(204), "answers 204"), (.close, ""), (.reset, ""),
    ] as [(ScriptedServer.Reply, String)] {
      do {
        _ = try await fetch(reply).get()
        Issue.record("it was fetched")
      } catch let failure as RunFailure {
        #expect(failure.status == .inputUnreadable && failure.message.contains(words), "\(failure.message)")
      }
    }
  }

  @Test("a named proxy is used, and a named file of authorities is looked for")
  func named() async throws {
    try await ScriptedServer.serving { _ in
      .status(200, [], "not by proxy")
    } while: { server, address in
      await #expect(throws: RunFailure.self, "nobody listens where the proxy is") {
        _ = try await download(address, limitBytes: 100, timeLimit: .milliseconds(300), proxy: "http://127.0.0.1:1", environment: [:])
      }
      #expect(server.requests.isEmpty)
    }
    await #expect(throws: RunFailure.self) {
      _ = try await download("https://127.0.0.1:1/a.json", limitBytes: 100, caFile: "/nowhere/ca.pem", environment: [:])
    }
  }

  @Test("a server that says nothing ends with 66 in time")
  func silent() async throws {
    do {
      _ = try await fetch(.never, timeLimit: .milliseconds(200)).get()
      Issue.record("it was fetched")
    } catch let failure as RunFailure {
      #expect(failure.status == .inputUnreadable && failure.message.contains("no answer within 200 ms"), "\(failure.message)")
    }
  }

  @Test("a server that sends a byte now and then ends with 66 when it has had ten times as long")
  func trickle() async throws {
    do {
      _ = try await fetch(.trickle, limitBytes: 100_000, timeLimit: .milliseconds(100)).get()
      Issue.record("it was fetched")
    } catch let failure as RunFailure {
      #expect(failure.status == .inputUnreadable && failure.message.contains("not come whole within 1 s"), "\(failure.message)")
    }
  }
}
