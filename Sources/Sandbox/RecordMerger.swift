internal import Bytes

/// Walks everything that is stored in the total order, whatever came in which body.
///
/// A body is opened when the walk reaches its first hash, so bodies that came in order, as ours do, are read one after the other.
/// Bodies in disorder are open side by side. When that would be more than `width`, the shorter half of them is merged into a
/// temporary run first: each record is put aside about once for each power of `width / 2` in the number of bodies.
///
/// Memory: up to `width` parts and records, about 40 KB each.
struct RecordMerger {
  static let width = 256

  private let store: StoreReader
  private let width: Int
  private let temporary: () throws -> TemporaryStore
  private var heap = StreamHeap()
  /// Bodies that were looked up and are not open yet, next one last.
  private var coming: [BodyRow] = []
  private var lastComing: BodyRow?
  private var isFirst = true
  private(set) var bodyCount = 0
  private(set) var byteCount = 0
  private(set) var eventCount = 0

  init(_ store: StoreReader, width: Int = RecordMerger.width, temporary: @escaping () throws -> TemporaryStore) throws {
    precondition(width >= 2)
    self.store = store
    self.width = width
    self.temporary = temporary
    try lookUp()
  }

  /// The next record, with its `Place` as row offset; nil behind the last. It is the caller's until the next call.
  mutating func next() throws -> RecordStream? {
    if !isFirst, heap.count > 0 { try heap.advanceTop() }
    isFirst = false
    while let body = coming.last {
      if let top = heap.top, top.hash < body.firstHash { break }
      try open(body)
    }
    return heap.top
  }

  private mutating func open(_ body: BodyRow) throws {
    bodyCount += 1
    byteCount += body.byteCount
    eventCount += body.eventCount
    coming.removeLast()
    if coming.isEmpty { try lookUp() }
    if heap.count == width { try consolidate() }
    let stream = RecordStream(body, store)
    if try stream.advance() { heap.insert(stream) }
  }

  private mutating func lookUp() throws {
    let rows = try store.bodies(after: lastComing, limit: 256)
    if let last = rows.last { lastComing = last }
    coming = rows.reversed()
  }

  /// Merges the shorter half of the open streams into one.
  private mutating func consolidate() throws {
    let temporary = try temporary()
    let run = temporary.beginRun()
    var half = heap.removeShorterHalf()
    var packer = RecordPacker()
    var partCount = 0
    var count = 0
    while let top = half.top {
      packer.append(top.record)
      count += 1
      if packer.isPartFull {
        try temporary.append(packer.bytes.span, toRun: run, as: partCount)
        partCount += 1
        packer.removeAll()
      }
      try half.advanceTop()
    }
    if packer.recordCount > 0 { try temporary.append(packer.bytes.span, toRun: run, as: partCount) }
    let stream = RecordStream(run: run, count: count, temporary)
    if try stream.advance() { heap.insert(stream) }
  }
}
