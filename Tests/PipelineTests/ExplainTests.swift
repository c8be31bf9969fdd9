import Checkpointing
import Delivering
import Foundation
import Normalizing
import Pipeline
import Reporting
import Testing
import Vocabulary

@Suite("The way of an event")
struct ExplainTests {
  private static let time = 1_700_000_000_000

  private func conversion(_ visitor: String, _ uuid: String, _ offset: Int = 0, entity: String = "9") -> String {
    #"{"record":"conversion","visitor_id":"\#(visitor)","entity_id":"\#(entity)","uuid":"\#(uuid)","timestamp":\#(Self.time + offset)}"#
  }

  private func decision(_ visitor: String, variation: Int, _ offset: Int = 0) -> String {
    #"{"record":"decision","visitor_id":"\#(visitor)","campaign_id":"1","experiment_id":"2","variation_id":"\#(variation)","timestamp":"#
      + "\(Self.time + offset)}"
  }

  /// An import of these rows, by line from 1 on.
  private func imported(_ rows: [String], _ change: (inout RunSettings) -> Void = { _ in }) async throws -> Imported {
    let folder = try ScratchFolder()
    let file = try folder.write(rows, to: "rows.ndjson")
    let options = options(folder)
    var settings = settings()
    change(&settings)
    let summary = try await importer(options).run(try specification([file]), settings)
    try #require(summary.state == .complete)
    return Imported(folder: folder, options: options)
  }

  /// Its folder lasts as long as this.
  private struct Imported {
    let folder: ScratchFolder
    let options: RunOptions

    func explain(_ what: String, as kind: SoughtKind? = nil, run: Int64? = nil) throws -> [EventWay] {
      try PipelineTests.explain(options.state, what, as: kind, run: run)
    }
  }

  @Test("an accepted event has its row, body, request, receipt and run, asked by uuid or by row")
  func accepted() async throws {
    let rows = [decision("anna", variation: 3), conversion("anna", "c-1", 5), conversion("bert", "c-2")]
    let done = try await imported(rows)
    for what in ["c-1", "rows.ndjson:2", done.folder.path + "/rows.ndjson:2"] {
      let ways = try done.explain(what)
      let way = try #require(ways.first)
      #expect(ways.count == 1)
      #expect(way.fate == .accepted)
      #expect(way.event?.visitor == "anna")
      #expect(way.event?.uuid == "c-1")
      #expect(way.row?.line == 2)
      #expect(way.row?.byte == rows[0].utf8.count + 1)
      #expect(way.row?.text == rows[1])
      #expect(way.body?.number == 1)
      #expect(way.body?.events == 3)
      #expect(way.body?.digest?.count == 32)
      #expect(way.receipt?.status == 204)
      #expect(way.receipt?.attempts == 1)
      #expect(way.run.run == 1)
      #expect(way.text().contains("accepted"))
    }
  }

  @Test("a visitor's events come in the order of its bodies, whichever way their rows stand")
  func visitor() async throws {
    let rows = [conversion("anna", "c-2", 9), conversion("bert", "b"), conversion("anna", "c-1", 5), decision("anna", variation: 3)]
    let done = try await imported(rows + [rows[0]])
    let ways = try done.explain("anna")
    #expect(ways.map(\.row?.line) == [4, 3, 1])
    #expect(ways.allSatisfy { $0.fate == .accepted && $0.event?.visitor == "anna" })
    #expect(ways[1].line().contains("c-1"))
  }

  @Test("each fate is told with its reason, by row")
  func fates() async throws {
    let rows = [
      decision("anna", variation: 3), decision("anna", variation: 4, 5), conversion("anna", "c-1", 6), conversion("anna", "c-1", 7),
      conversion("bert", "b-1"), conversion("bert", "b-1"), "{\"record\":\"conversion\"}",
    ]
    let done = try await imported(rows)
    func way(_ line: Int) throws -> EventWay {
      let ways = try done.explain("rows.ndjson:\(line)")
      try #require(ways.count == 1)
      return ways[0]
    }
    #expect(try way(1).fate == .accepted)
    #expect(try way(2).fate == .filtered)
    #expect(try way(2).reason?.contains("--on-conflict") == true)
    #expect(try way(4).fate == .rejected)
    #expect(try way(4).reason?.contains("rows.ndjson:3") == true)
    let twins = [try way(5), try way(6)]
    #expect(Set(twins.map(\.fate)) == [.accepted, .duplicate])
    #expect(twins.first { $0.fate == .duplicate }?.reason?.contains("rows.ndjson:") == true)
    #expect(try way(7).fate == .rejected)
    #expect(try way(7).event == nil)
    #expect(try way(7).row?.text == rows[6])
    let failure = #expect(throws: RunFailure.self) { try done.explain("rows.ndjson:8") }
    #expect(failure?.status == .usage)
    #expect(failure?.message.contains("begins at line 7") == true)
  }

  @Test("an event accepted before is told with the run and body that brought it")
  func alreadyAccepted() async throws {
    let rows = [conversion("anna", "c-1"), conversion("bert", "b-1")]
    let done = try await imported(rows)
    let more = try done.folder.write(rows + [conversion("anna", "c-2", 4)], to: "more.ndjson")
    _ = try await importer(done.options).run(try specification([more]), settings())
    let way = try #require(try done.explain("more.ndjson:1").first)
    #expect(way.fate == .alreadyAccepted)
    #expect(way.reason == "by run 1, body 1")
    #expect(try done.explain("c-1").map(\.run.run) == [1])
    #expect(Set(try done.explain("anna").compactMap(\.event?.uuid)) == ["c-1", "c-2"])
    #expect(try done.explain("c-1", run: 2).map(\.fate) == [.alreadyAccepted])
  }

  @Test("without its input the ledger still tells run and body; of a row nothing is known then")
  func inputsAreGone() async throws {
    let done = try await imported([conversion("anna", "c-1"), conversion("bert", "b-1")])
    try FileManager.default.removeItem(atPath: done.folder.path + "/rows.ndjson")
    for what in ["c-1", "anna"] {
      let way = try #require(try done.explain(what).first)
      #expect(way.fate == .accepted)
      #expect(way.row == nil)
      #expect(way.body?.number == 1)
      #expect(way.receipt?.status == 204)
      #expect(way.reason?.contains("rows.ndjson is gone") == true)
    }
    #expect(throws: RunFailure.self) { try done.explain("rows.ndjson:1") }
    let failure = #expect(throws: RunFailure.self) { try done.explain("carl") }
    #expect(failure?.status == .usage)
  }

  @Test("a rejected row is told without its input")
  func rejectedRows() async throws {
    let done = try await imported([conversion("anna", "c-1"), "{\"record\":\"conversion\"}"])
    try FileManager.default.removeItem(atPath: done.folder.path + "/rows.ndjson")
    let ways = try done.explain("rows.ndjson:2")
    #expect(ways.map(\.fate) == [.rejected])
    #expect(ways[0].row?.text == "{\"record\":\"conversion\"}")
  }

  @Test("a file is told by its folder when two runs have one of the same name")
  func sameNames() async throws {
    let done = try await imported([conversion("anna", "c-1")])
    try FileManager.default.createDirectory(atPath: done.folder.path + "/later", withIntermediateDirectories: true)
    let later = try done.folder.write([conversion("bert", "b-1")], to: "later/rows.ndjson")
    _ = try await importer(done.options).run(try specification([later]), settings())
    let failure = #expect(throws: RunFailure.self) { try done.explain("rows.ndjson:1") }
    #expect(failure?.message.contains("name it with its folder") == true)
    #expect(try done.explain("later/rows.ndjson:1").map(\.event?.uuid) == ["b-1"])
    #expect(try done.explain(done.folder.path + "/rows.ndjson:1").map(\.event?.uuid) == ["c-1"])
  }

  @Test("an unfinished run is told from its staging: what is pending, and what may have been sent")
  func unfinished() async throws {
    let stopped = try await StoppedRun(seed: 81)
    try FileManager.default.removeItem(atPath: stopped.file)
    var fates: [EventWay.Fate: Int] = [:]
    for visitor in 0..<60 {
      for name in ["visitor-\(visitor)", "\(visitor)"] {
        guard let ways = try? explain(stopped.options.state, name, as: .visitor) else { continue }
        for way in ways {
          fates[way.fate, default: 0] += 1
          #expect((way.receipt != nil) == (way.fate == .accepted))
          if way.fate == .pending { #expect(way.body != nil && way.reason != nil) }
        }
      }
    }
    #expect(fates[.accepted] ?? 0 > 0)
    #expect(fates[.pending] ?? 0 > 0)
  }

  @Test("an event sent in a part of a body is told with the part, and a refused one as a reject")
  func parts() async throws {
    let run = try await RefusedRun(seed: 82)
    for uuid in run.refused {
      let way = try #require(try explain(run.options.state, uuid, run: 2).first)
      #expect(way.fate == .rejected)
      #expect(way.reason?.contains("refused-by-server") == true)
      #expect(way.body?.events == 1)
      #expect(way.body?.part?.contains(".") == true)
    }
    // A visitor of a refused event: all of its other events were accepted, some of them in parts.
    let ways = try explain(run.options.state, "v0", as: .visitor, run: 2)
    #expect(ways.contains { $0.fate == .rejected })
    #expect(ways.filter { $0.fate == .accepted }.allSatisfy { $0.receipt?.status == 204 })
  }

  @Test("a text that could be more than one thing is an event first when it is a UUID, a visitor otherwise, and --as decides")
  func ambiguity() async throws {
    let uuid = "10fdc734-a585-546c-97bd-ee955432f3d9"
    let rows = [
      conversion(uuid, "x", 1), conversion("anna", uuid, 2), conversion("same", "y", 3), conversion("bert", "same", 4),
      conversion("a:1", "z", 5),
    ]
    let done = try await imported(rows)
    #expect(try done.explain(uuid).map(\.row?.line) == [2])
    #expect(try done.explain(uuid, as: .visitor).map(\.row?.line) == [1])
    #expect(try done.explain("same").map(\.row?.line) == [3])
    #expect(try done.explain("same", as: .event).map(\.row?.line) == [4])
    #expect(try done.explain("a:1").map(\.row?.line) == [5])
    #expect(throws: RunFailure.self) { try done.explain("a:1", as: .row) }
  }

  @Test("rows that a window or a list leaves out are told as filtered, with which")
  func selections() async throws {
    let folder = try ScratchFolder()
    let list = try folder.write(["bert"], to: "list.txt")
    let rows = [conversion("anna", "c-1"), conversion("bert", "b-1"), conversion("anna", "c-2", 900_000_000)]
    let file = try folder.write(rows, to: "rows.ndjson")
    var settings = settings()
    settings.selection = try Selection(window: TimeWindow("2023-11-14..2023-11-16"), excludes: list)
    let options = options(folder)
    _ = try await importer(options).run(try specification([file]), settings)
    #expect(try explain(options.state, "rows.ndjson:2").map(\.reason) == ["its visitor is on the list of --exclude"])
    #expect(try explain(options.state, "rows.ndjson:3").map(\.reason) == ["its time is outside of --window"])
    #expect(try explain(options.state, "rows.ndjson:2").map(\.row?.text) == [rows[1]])
    #expect(try explain(options.state, "rows.ndjson:2").map(\.row?.byte) == [rows[0].utf8.count + 1])
  }
}
