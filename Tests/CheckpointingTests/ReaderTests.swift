import Foundation
import Testing
import Vocabulary

@testable import Checkpointing

@Suite struct ReaderTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  @Test("reading where there is nothing, or only what a killed creation left, is missing and makes no file")
  func missing() throws {
    #expect(failure { _ = try Checkpoint.reader(at: scratch.path) } == .missing(path: scratch.path))
    #expect(try scratch.files.isEmpty)
    try scratch.write([])
    #expect(failure { _ = try Checkpoint.reader(at: scratch.path) } == .missing(path: scratch.path))
    #expect(try scratch.files == ["checkpoint.sqlite"])
  }

  @Test("a reader writes nothing")
  func readOnly() throws {
    let run = try scratch.open().begin()
    let reader = try Checkpoint.reader(at: scratch.path)
    let failed = failure { try reader.forget(run.id, now: 5) }
    #expect(failed == .readOnly(path: scratch.path, doing: "forget a run"))
    #expect(failed?.exitStatus == .diskTrouble)
  }

  @Test("a reader opened before, during and after a writer's life sees each committed state")
  func follows() throws {
    let first = try scratch.open()
    let run = try first.sending(2)
    try first.close()
    let reader = try Checkpoint.reader(at: scratch.path)
    #expect(try reader.receiptTotals(run).bodies == 0)
    #expect(try scratch.files == ["checkpoint.sqlite"])

    let second = try scratch.open()
    try second.send(run, 1)
    #expect(try reader.receiptTotals(run).bodies == 1)
    try second.send(run, 2)
    #expect(try reader.receiptTotals(run).bodies == 2)
    try second.close()
    #expect(try reader.receiptTotals(run) == ReceiptTotals(bodies: 2, events: 20, decisions: 8, conversions: 12, bytes: 2_003))

    let third = try scratch.open()
    try third.complete(run, summary: "{}", now: 9)
    try third.close()
    #expect(try reader.run(run).phase == .complete)
  }

  @Test("a read during a write sees the state before it, whole, and does not hold the writer up")
  func consistent() throws {
    let writer = try scratch.open()
    let run = try writer.sending(3)
    try writer.send(run, 1)
    let reader = try Checkpoint.reader(at: scratch.path)
    try reader.read("test") { db in
      let count = { try db.firstRow("SELECT count(*) FROM receipt") { try reader.columns($0, "receipt").count(0) } }
      #expect(try count() == 1)
      try writer.send(run, 2)
      #expect(try count() == 1)
      try writer.write("test") { inner in
        try inner.perform("DELETE FROM receipt")
        #expect(try count() == 1)
      }
      #expect(try count() == 1)
    }
    #expect(try reader.receiptTotals(run).bodies == 0)
  }

  @Test("a quiet file that a writer changes during a read is read again")
  func readAgain() throws {
    let first = try scratch.open()
    try first.begin()
    try first.close()
    let reader = try Checkpoint.reader(at: scratch.path)
    var reads = 0
    let runs = try reader.read("test") { db in
      reads += 1
      if reads == 1 {
        let writer = try scratch.open()
        try writer.begin(endpoint: "eu")
        try writer.close()
      }
      return try db.firstRow("SELECT count(*) FROM run") { try reader.columns($0, "run").count(0) }
    }
    #expect(reads == 2)
    #expect(runs == 2)
  }

  @Test("a reader sees what a killed writer committed, from the log it left")
  func killed() throws {
    let writer = try scratch.open()
    let run = try writer.sending(1)
    try writer.send(run, 1)
    let copy = try scratch.copyAsKilled()
    #expect(try Checkpoint.reader(at: copy.path).isAccepted(run, 1))
  }

  @Test("a file that was replaced is opened anew")
  func replaced() throws {
    let writer = try scratch.open()
    try writer.begin()
    try writer.close()
    let reader = try Checkpoint.reader(at: scratch.path)
    #expect(try reader.allRuns().count == 1)
    try FileManager.default.removeItem(atPath: scratch.path)
    #expect(failure { _ = try reader.allRuns() } == .missing(path: scratch.path))
    try scratch.open().close()
    #expect(try reader.allRuns().isEmpty)
  }
}
