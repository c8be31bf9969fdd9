internal import Foundation
internal import GRDB

// What staging leaves behind.
extension Checkpoint {
  /// Ends staging: keeps the inputs as they were read, the staging files, and the counts (JSON text that the checkpoint does not
  /// look into), and sets phase `planning`, all in one transaction. Files that cannot be staged again
  /// must be synced before.
  package func completeStaging(
    _ id: RunID, inputs: [InputRow], files: [StagingFileRow], counts: String, now: Int64
  ) throws(CheckpointFailure) {
    precondition(inputs.allSatisfy { $0.digest.count == CheckpointFormat.digestBytes }, "an input's digest has 16 bytes")
    try write("complete staging") { db in
      try require(runRow(db, id), in: [.staging], to: "complete staging")
      for input in inputs {
        try db.perform(
          """
          INSERT INTO input (run, number, path, byte_count, digest, format, row_count, header) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
          """,
          [
            id.rawValue, input.index, input.path, input.byteCount, Data(input.digest), input.format, input.rowCount,
            Data(input.header),
          ])
      }
      try insert(files, db, id)
      try db.perform("UPDATE run SET counts = ? WHERE id = ?", [counts, id.rawValue])
      try setPhase(db, id, .planning, summary: nil, now: now)
    }
  }

  /// Takes other staging files with the same records for those of a run that is planning or sending; the plan stays. For a run whose
  /// staging was damaged and whose inputs are still the same bytes.
  package func replaceStagingFiles(_ id: RunID, _ files: [StagingFileRow]) throws(CheckpointFailure) {
    try write("replace the staging files") { db in
      try require(runRow(db, id), in: [.planning, .sending], to: "replace staging files")
      try db.perform("DELETE FROM staging_file WHERE run = ?", [id.rawValue])
      try insert(files, db, id)
    }
  }

  private func insert(_ files: [StagingFileRow], _ db: Database, _ id: RunID) throws {
    for file in files {
      try db.perform(
        "INSERT INTO staging_file (run, number, file, partition, byte_count, record_count, checksum) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
          id.rawValue, file.number, file.file, file.partition, file.byteCount, file.recordCount, Int64(bitPattern: file.checksum),
        ])
    }
  }

  /// The counts that staging ended with; nil while it has not.
  package func stagingCounts(_ id: RunID) throws(CheckpointFailure) -> String? {
    try read("read the counts of staging") { db in
      _ = try currentPlan(db, id)
      return try storedCounts(db, id)
    }
  }

  /// The inputs of a run by index; empty before staging is complete. All of them are in memory: at most 65,535.
  package func inputs(_ id: RunID) throws(CheckpointFailure) -> [InputRow] {
    try read("read the inputs of a run") { db in
      var rows: [InputRow] = []
      let sql = """
        SELECT number, path, byte_count, digest, format, row_count, header, \(try isWhole(.input, db)) FROM input WHERE run = ? ORDER BY number
        """
      try db.eachRow(sql, [id.rawValue]) { row in
        let columns = columns(row, "input")
        try requireWhole(columns, 7)
        rows.append(
          InputRow(
            index: try columns.count(0), path: try columns.text(1), byteCount: try columns.count(2),
            digest: try columns.digest(3),
            format: try columns.text(4), header: try columns.bytes(6), rowCount: try columns.count(5)))
      }
      return rows
    }
  }

  /// The staging files of a run by number; empty before staging is complete and after the run was forgotten.
  package func stagingFiles(_ id: RunID) throws(CheckpointFailure) -> [StagingFileRow] {
    try read("read the staging files of a run") { db in
      var rows: [StagingFileRow] = []
      let sql = """
        SELECT number, file, byte_count, record_count, checksum, partition, \(try isWhole(.stagingFile, db)) FROM staging_file
        WHERE run = ? ORDER BY number
        """
      try db.eachRow(sql, [id.rawValue]) { row in
        let columns = columns(row, "staging_file")
        try requireWhole(columns, 6)
        rows.append(
          StagingFileRow(
            number: try columns.count(0), file: try columns.text(1), partition: try columns.countOrNil(5), byteCount: try columns.count(2),
            recordCount: try columns.count(3), checksum: UInt64(bitPattern: try columns.integer(4))))
      }
      return rows
    }
  }
}
