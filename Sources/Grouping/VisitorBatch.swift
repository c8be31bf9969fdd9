import Bytes
package import Disk
package import Vocabulary

/// A visitor whose records can be gone through, page by page, as often as needed.
package protocol VisitorPages: ~Copyable {
  var visitorHash: UInt64 { get }
  /// The JSON text of the visitor's id.
  var visitor: [UInt8] { get }
  /// Identical records taken out of the visitor; known when all its pages have been read once.
  var duplicateCountOfVisitor: Int { get }

  /// Calls `body` with each page: its bytes, where its records begin in them, and how many records came before.
  mutating func eachPage(_ body: (Span<UInt8>, Span<Int>, Int) throws(RunFailure) -> Void) throws(RunFailure)
}

/// Whole visitors, read ahead of who judges them: a copy that another thread may have.
package struct VisitorBatch: Sendable {
  fileprivate struct Extent {
    var hash: UInt64
    /// Where the visitor's records begin in `offsets`.
    var start: Int
    var duplicateCount: Int
  }

  private let bytes: [UInt8]
  private let offsets: [Int]
  private let extents: [Extent]
  /// A visitor that comes behind the others and is too large to be held; to be read by a walker of its own.
  package let large: [UInt8]?

  package var visitorCount: Int { extents.count }

  /// One visitor of a batch: a single page.
  package struct Visitor: VisitorPages {
    private let batch: VisitorBatch
    private let number: Int

    fileprivate init(_ batch: VisitorBatch, _ number: Int) {
      self.batch = batch
      self.number = number
    }

    private var range: Range<Int> {
      let end = number + 1 < batch.extents.count ? batch.extents[number + 1].start : batch.offsets.count
      return batch.extents[number].start..<end
    }

    package var visitorHash: UInt64 { batch.extents[number].hash }
    package var duplicateCountOfVisitor: Int { batch.extents[number].duplicateCount }
    package var visitor: [UInt8] { copy(StagedRecord(batch.bytes.span, at: batch.offsets[range.lowerBound]).visitor) }

    package mutating func eachPage(_ body: (Span<UInt8>, Span<Int>, Int) throws(RunFailure) -> Void) throws(RunFailure) {
      try body(batch.bytes.span, batch.offsets.span.extracting(range), 0)
    }
  }

  package subscript(number: Int) -> Visitor { Visitor(self, number) }

  fileprivate init(_ bytes: borrowing ByteArena, _ offsets: [Int], _ extents: [Extent], large: [UInt8]?) {
    self.bytes = copy(bytes.span)
    self.offsets = offsets
    self.extents = extents
    self.large = large
  }
}

/// Collects the visitors of a walk in batches. Memory: a walker with the smallest pages, and one batch.
package struct VisitorBatcher: ~Copyable {
  private var walker: VisitorWalker
  private let batchBytes: Int
  private var bytes: ByteArena

  /// A batch is full when it has `batchBytes`. It begins with the first visitor, or behind the one given.
  package init(
    _ runs: [SortedRun], behind visitor: [UInt8]?, batchBytes: Int, identicalRows: IdenticalRows
  ) throws(DiskFailure) {
    try self.init(runs, behind: visitor, batchBytes: batchBytes, pageBytes: 1 << 20, identicalRows: identicalRows)
  }

  /// `pageBytes` is smaller only in tests.
  init(
    _ runs: [SortedRun], behind visitor: [UInt8]?, batchBytes: Int, pageBytes: Int, identicalRows: IdenticalRows
  ) throws(DiskFailure) {
    var walker = try VisitorWalker(runs, memoryBytes: 0, smallestPageBytes: pageBytes, identicalRows: identicalRows)
    if let visitor { try walker.find(visitor) }
    self.batchBytes = batchBytes
    bytes = ByteArena(limit: batchBytes + walker.page.limit)
    self.walker = walker
  }

  /// The next visitors, until a batch is full or a large visitor comes; nil at the end.
  package mutating func next() throws(DiskFailure) -> VisitorBatch? {
    bytes.removeAll()
    var offsets: [Int] = []
    var extents: [VisitorBatch.Extent] = []
    while bytes.count < batchBytes, try walker.nextVisitor() {
      if walker.visitorGoesOn { return VisitorBatch(bytes, offsets, extents, large: walker.visitor) }
      extents.append(
        VisitorBatch.Extent(hash: walker.visitorHash, start: offsets.count, duplicateCount: walker.duplicateCountOfVisitor))
      let start = bytes.count
      VisitorBatcher.append(walker, to: &bytes)
      for offset in walker.offsets { offsets.append(start + offset) }
    }
    return extents.isEmpty ? nil : VisitorBatch(bytes, offsets, extents, large: nil)
  }

  private static func append(_ walker: borrowing VisitorWalker, to bytes: inout ByteArena) { bytes.append(walker.page.span) }
}
