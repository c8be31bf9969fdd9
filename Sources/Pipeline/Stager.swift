import Bytes
import Checkpointing
import Delivering
import Disk
import Foundation
import Grouping
import Normalizing
import Reading
import Vocabulary

/// What staging counted; stored with the run.
struct StagingCounts: Codable, Equatable {
  var read = 0
  var staged = 0
  /// Rows that conditions of a mapping left out.
  var filtered = 0
  var sightings = Sightings()
  var rejects: [String: Int] = [:]
  /// Columns and members that were ignored, with the rows that had them.
  var unknownNames: [String: Int] = [:]
  var emptyInputs: [String] = []
  /// Paths of a configuration that led nowhere in all of their inputs.
  var unmetPaths: [String] = []
  /// Records of visitors that are excluded, and how many visitors the list has; nil without a list.
  var excluded: Excluded?

  struct Excluded: Codable, Equatable {
    var records: Int
    var listed: Int
  }
}

/// What staging leaves behind: everything the rest of the run needs, the inputs no more.
struct Staged {
  var inputs: [InputRow]
  var files: [PartitionFile]
  /// Of partitions too large to be held.
  var runs: [SortedRun]
  var counts: StagingCounts

  func reader(identicalRows: IdenticalRows) throws(DiskFailure) -> PartitionReader {
    try PartitionReader(files, runs: runs, identicalRows: identicalRows)
  }
}

/// Reads the inputs from front to back and writes their records, divided into partitions, into the staging folder.
///
/// One thread cuts blocks of whole rows, the workers do the rest; what they stage does not depend on their number. Memory: well within
/// `memoryBytes`: the frames that fill, blocks on their way, and 256 KiB a worker on their way to a file.
///
/// Staging is synced only when an input cannot be read again: damage is found by checksums, and mended from the inputs.
struct Stager {
  let specification: ImportSpecification
  let settings: RunSettings
  let options: RunOptions
  let folder: String
  let stop: StopSwitch
  let progress: @Sendable (RunProgress) -> Void
  private let rowCount = RowCount()

  init(
    specification: ImportSpecification, settings: RunSettings, options: RunOptions, folder: String, stop: StopSwitch,
    progress: @escaping @Sendable (RunProgress) -> Void
  ) {
    self.specification = specification
    self.settings = settings
    self.options = options
    self.folder = folder
    self.stop = stop
    self.progress = progress
  }

  func stage() throws(RunFailure) -> Staged {
    do throws(DiskFailure) {
      try Folder.remove(folder)
      try Folder.make(folder)
    } catch {
      throw error.runFailure(forInput: false)
    }
    let selector = try settings.selection.map { selection throws(RunFailure) in try Selector(selection) }
    let queue = WorkQueue<StagingWork>(capacity: options.workerCount + 1)
    let frameBytes = options.memoryBytes / 8 / options.workerCount
    let partitioning = Partitioning(expectedBytes: expectedBytes)
    let isSynced = isReadOnce
    let workerCount = options.workerCount
    var rows: [InputRow] = []
    let folder = folder
    let rowCount = rowCount
    let inputBytes = inputBytes
    let results = try onThreads(
      workerCount,
      { worker in
        do throws(DiskFailure) {
          let records = try PartitionWriter(
            number: worker, path: "\(folder)/\(worker).records", partitioning: partitioning, memoryBytes: frameBytes)
          let rejects = try RejectWriter(path: "\(folder)/\(worker).rejects")
          return StagingWorker(records: records, rejects: rejects, isSynced: isSynced, selector: selector, rowCount: rowCount).run(queue)
        } catch {
          queue.abandon()
          while queue.take() != nil {}
          return WorkerResult(failure: error.runFailure(forInput: false))
        }
      },
      lead: { () throws(RunFailure) in
        defer { for _ in 0..<workerCount { queue.put(nil) } }
        let blocks = NumberSource()
        for index in specification.inputs.indices {
          rows.append(
            try read(index, blocks: blocks, into: queue, readBefore: rows.reduce(0) { $0 + $1.byteCount }, of: inputBytes))
        }
      })
    tell(rows.reduce(0) { $0 + $1.byteCount }, of: inputBytes, from: nil)
    return try finish(results, rows, listedCount: selector?.excludedCount)
  }

  /// Watched paths that led nowhere. Inputs that watch the same are one: some files may lack what others have.
  private func unmetPaths(_ results: [WorkerResult], _ rows: [InputRow]) -> [String] {
    var watched: [[[Path]]: Set<[Path]>] = [:]
    for (index, input) in specification.inputs.enumerated() where rows[index].rowCount > 0 {
      let met = results.reduce(into: Set<[Path]>()) { $0.formUnion($1.metPaths[index] ?? []) }
      watched[input.watchedPaths, default: []].formUnion(met)
    }
    var unmet: Set<[Path]> = []
    for (groups, met) in watched {
      let missing = groups.filter { !met.contains($0) }
      // Where a list has no elements, nothing else was looked for.
      let explode = specification.inputs.first { $0.watchedPaths == groups }?.mapping?.explode
      if let explode, missing.contains([explode]) { unmet.insert([explode]) } else { unmet.formUnion(missing) }
    }
    return unmet.map { $0.map(\.description).joined(separator: " or ") }.sorted()
  }

  private func finish(_ results: [WorkerResult], _ inputs: [InputRow], listedCount: Int?) throws(RunFailure) -> Staged {
    var rows = inputs
    var counts = StagingCounts()
    if let failure = results.compactMap(\.failure).first { throw failure }
    for result in results {
      counts.read += result.readCounts.values.reduce(0, +)
      for (index, count) in result.readCounts { rows[index].rowCount += count }
      counts.staged += result.stagedCount
      counts.filtered += result.filteredCount
      counts.sightings.add(result.sightings)
      counts.rejects.merge(result.rejects, uniquingKeysWith: +)
      counts.unknownNames.merge(result.unknownNames, uniquingKeysWith: +)
    }
    counts.unmetPaths = unmetPaths(results, rows)
    counts.excluded = listedCount.map { StagingCounts.Excluded(records: results.reduce(0) { $0 + $1.excludedCount }, listed: $0) }
    counts.emptyInputs = rows.filter { $0.rowCount == 0 }.map { displayName($0.path) }
    do {
      let folder = folder
      try join(results.flatMap(\.rejectPieces), into: folder + "/rejects.ndjson")
      var files = results.compactMap(\.records)
      if settings.inheritsAttributes { files = [try inherit(files)] }
      // It is not asked of this reader what identical rows are.
      let reader = try PartitionReader(files, runs: [], identicalRows: .once)
      let runs = try sort(
        LargePartitions(
          of: reader, from: options.memoryBytes / 8, memoryBytes: options.memoryBytes / 2, threadCount: min(4, options.workerCount)
        ) { "\(folder)/\($0).run" })
      if isReadOnce { try Folder.sync(folder) }
      return Staged(inputs: rows, files: files, runs: runs, counts: counts)
    } catch let failure as DiskFailure {
      throw failure.runFailure(forInput: false)
    } catch let failure as RunFailure {
      throw failure
    } catch {
      throw RunFailure(.bug, "\(error)")
    }
  }

  private func sort(_ large: LargePartitions) throws -> [SortedRun] {
    if large.threadCount == 0 { return [] }
    // What sorting takes is not needed any more when planning takes as much, on other threads.
    ProcessMemory.returnLargeBuffers()
    let numbers = NumberSource()
    let runs = onThreads(
      large.threadCount,
      { _ in Result { () throws(DiskFailure) in try large.sort { numbers.next() } } },
      lead: {})
    return try large.compacted(runs.flatMap { try $0.get() })
  }

  /// Writes what the workers staged anew, as one file with the first number, with the attributes that conversions inherit.
  private func inherit(_ files: [PartitionFile]) throws -> PartitionFile {
    let reader = try PartitionReader(files, runs: [], identicalRows: .once)
    var inherited = try inheritAttributes(
      of: reader, into: (0, folder + "/inherited.records"), memoryBytes: options.memoryBytes / 8, isSynced: isReadOnce)
    for file in files { try Folder.remove(file.path) }
    // By the name that files of this number have.
    let path = folder + "/0.records"
    try Folder.replace(path, with: inherited.path)
    inherited.path = path
    return inherited
  }

  // MARK: inputs

  /// Whether an input can be read only once: standard input, a pipe.
  private var isReadOnce: Bool { specification.inputs.contains { Stager.isReadOnce($0.path) } }

  private static func isReadOnce(_ path: String) -> Bool {
    path == "-" || (Folder.exists(path) && !Folder.isRegularFile(path) && !Folder.isFolder(path))
  }

  /// Bytes of all inputs as they are, packed or not; nil when one does not tell its size.
  private var inputBytes: Int? {
    var bytes = 0
    for input in specification.inputs {
      guard let count = Folder.byteCount(of: input.path) else { return nil }
      bytes += count
    }
    return bytes
  }

  private func tell(_ bytes: Int, of total: Int?, from input: String?) {
    progress(.staging(bytes: bytes, of: total, rows: rowCount.value, from: input))
  }

  /// About how many bytes will be staged: some four for each byte of a file, and six times as many for one that is packed, as its name says.
  /// Nil when an input does not tell its size.
  private var expectedBytes: Int? {
    var bytes = 0
    for input in specification.inputs {
      guard let count = Folder.byteCount(of: input.path) else { return nil }
      let isPacked = Packing.allCases.flatMap(\.suffixes).contains { input.path.lowercased().hasSuffix($0) }
      bytes += (isPacked ? 24 : 4) * count
    }
    return bytes
  }

  /// Opens every input and looks at its header, but for those that can be read only once: standard input and pipes. Throws what is
  /// wrong with the first that cannot be used.
  static func check(_ specification: ImportSpecification, _ settings: RunSettings) throws(RunFailure) {
    if let selection = settings.selection { _ = try Selector(selection) }
    for (index, input) in specification.inputs.enumerated() {
      if !isReadOnce(input.path) {
        _ = try open(specification, settings, index, blockBytes: Limits.blockBytes, patience: PipePatience()).bound
      }
    }
  }

  struct OpenInput: ~Copyable {
    var reader: BlockReader
    var bound: BoundInput
  }

  static func open(
    _ specification: ImportSpecification, _ settings: RunSettings, _ index: Int, blockBytes: Int, patience: PipePatience
  ) throws(RunFailure) -> OpenInput {
    let input = specification.inputs[index]
    let dialect = specification.dialect(of: input)
    let mapping = input.mapping ?? settings.mapping
    let reader: BlockReader
    do throws(ReadFailure) {
      reader = try BlockReader(
        path: input.path, input: index, format: specification.format(of: input), dialect: dialect, blockBytes: blockBytes,
        patience: patience)
    } catch {
      throw error.runFailure
    }
    let file = displayName(input.path)
    let bound = BoundInput(
      index: index, file: file, header: reader.header?.names, dialect: dialect, kind: input.kind, mapping: mapping,
      watchedPaths: input.watchedPaths, settings: settings)
    // An input without a header has no rows to bind either.
    if let header = reader.header {
      do throws(HeaderRefusal) {
        _ = try Normalizer(
          mapping: mapping, header: header.names, kind: input.kind, settings: settings.normalizer,
          variables: ProcessInfo.processInfo.environment, watched: input.watchedPaths,
          likelyDelimiter: header.names.count == 1 ? likelyDelimiter(header.firstRow).map(delimiterName) : nil)
      } catch {
        throw RunFailure(.refused, "\(file):\(header.line): \(error.message)")
      }
    }
    return OpenInput(reader: reader, bound: bound)
  }

  /// A pipe is waited for as long as the options say, and no longer than until the run is stopped.
  private var patience: PipePatience {
    let stop = stop
    return PipePatience(limit: options.stallLimit) { stop.isStopped }
  }

  private func stopped(_ file: String) -> RunFailure {
    RunFailure(.stopped, "stopped \(stop.reason) while reading \(file); nothing was sent; run the same command again to start over")
  }

  private func read(
    _ index: Int, blocks: NumberSource, into queue: WorkQueue<StagingWork>, readBefore: Int, of total: Int?
  ) throws(RunFailure) -> InputRow {
    let specified = specification.inputs[index]
    let blockBytes = min(options.blockBytes, max(1, options.memoryBytes / 32))
    let file = displayName(specified.path)
    tell(readBefore, of: total, from: file)
    var opened: OpenInput
    do throws(RunFailure) {
      opened = try Stager.open(specification, settings, index, blockBytes: blockBytes, patience: patience)
    } catch {
      throw stop.isStopped ? stopped(file) : error
    }
    let bound = opened.bound
    do throws(ReadFailure) {
      while !stop.isStopped, !queue.isAbandoned, let block = try opened.reader.next() {
        tell(readBefore + opened.reader.byteCount, of: total, from: nil)
        queue.put(StagingWork(number: blocks.next(), block: block, input: bound))
        tell(readBefore + opened.reader.byteCount, of: total, from: file)
      }
    } catch {
      throw stop.isStopped ? stopped(file) : error.runFailure
    }
    if stop.isStopped { throw stopped(file) }
    tell(readBefore + opened.reader.byteCount, of: total, from: nil)
    return InputRow(
      index: index, path: specified.path, byteCount: opened.reader.byteCount, digest: opened.reader.digest.bytes,
      format: opened.reader.format.rawValue, header: opened.reader.header?.raw ?? [], rowCount: 0)
  }
}

/// What messages call an input.
func displayName(_ path: String) -> String { path == "-" ? "standard input" : visibleName(path) }

private func delimiterName(_ delimiter: UInt8) -> String {
  delimiter == 0x09 ? "a tab" : "'\(String(UnicodeScalar(delimiter)))'"
}
