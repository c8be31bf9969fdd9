internal import Bytes

/// Where a stored record was received: its body above, where its event begins in the body below. Orders as acceptance did.
typealias Place = UInt64

func body(of place: Place) -> Int { Int(place >> 32) }

/// The records of one stored body, or of one temporary run, in the total order; each with its `Place` as row offset.
///
/// Memory: one part as it is stored, 32 KB or a single record, and one record.
final class RecordStream {
  private enum Source {
    case body(BodyRow, StoreReader)
    case run(Int, TemporaryStore)
  }

  private let source: Source
  private(set) var record = ByteArena(limit: 1 << 30)
  /// Records that are still to come, the present one included.
  private(set) var remainingCount: Int
  private var part: [UInt8] = []
  private var partNumber = 0
  private var unpacker = RecordUnpacker()

  init(_ body: BodyRow, _ store: StoreReader) {
    source = .body(body, store)
    remainingCount = body.eventCount + 1
  }

  init(run: Int, count: Int, _ store: TemporaryStore) {
    source = .run(run, store)
    remainingCount = count + 1
  }

  var place: Place { placeOf(record) }
  var hash: UInt64 { hashOf(record) }

  /// Moves to the next record, the first one at the first call. Returns false behind the last.
  func advance() throws -> Bool {
    remainingCount -= 1
    while true {
      switch unpacker.next(part.span, into: &record) {
      case .record:
        guard remainingCount > 0 else { throw damage("has more records than were written") }
        if case .body(let body, _) = source {
          guard place >> 32 == 0 else { throw damage("has a record from outside of it") }
          record.store(UInt64(body.id) << 32 | place, at: 24)
        }
        return true
      case .damaged: throw damage("has records that cannot be read")
      case .end:
        guard let next = try nextPart() else {
          guard remainingCount == 0 else { throw damage("has fewer records than were written") }
          return false
        }
        part = next
        unpacker = RecordUnpacker()
      }
    }
  }

  private func nextPart() throws -> [UInt8]? {
    partNumber += 1
    switch source {
    case .body(let body, let store): return partNumber <= body.partCount ? try store.part(partNumber - 1, of: body.id) : nil
    case .run(let run, let store): return try store.takePart(partNumber - 1, of: run)
    }
  }

  private func damage(_ what: String) -> SandboxFailure {
    switch source {
    case .body(let body, let store): store.damaged("body \(body.id) \(what)")
    case .run(let run, _): .damaged(path: "temporary file", what: "run \(run) \(what)")
    }
  }

}

private func placeOf(_ record: borrowing ByteArena) -> Place { load64(record.span, 24) }

private func hashOf(_ record: borrowing ByteArena) -> UInt64 { StagedRecord(record.span).hash }

/// The total order, and among equal records the order of acceptance.
private func comesBefore(_ one: borrowing ByteArena, _ other: borrowing ByteArena) -> Bool {
  let records = order(StagedRecord(one.span), StagedRecord(other.span))
  return records != 0 ? records < 0 : placeOf(one) < placeOf(other)
}

/// Streams by their present record: the first is at the top of a binary heap.
struct StreamHeap {
  private(set) var streams: [RecordStream] = []

  var top: RecordStream? { streams.first }
  var count: Int { streams.count }

  mutating func insert(_ stream: RecordStream) {
    streams.append(stream)
    var at = streams.count - 1
    while at > 0 {
      let parent = (at - 1) / 2
      guard comesBefore(streams[at].record, streams[parent].record) else { return }
      streams.swapAt(at, parent)
      at = parent
    }
  }

  /// Moves the top stream to its next record and lets it go behind its last.
  mutating func advanceTop() throws {
    if try !streams[0].advance() {
      streams.swapAt(0, streams.count - 1)
      streams.removeLast()
    }
    var at = 0
    while true {
      var least = at
      for child in [2 * at + 1, 2 * at + 2] where child < streams.count {
        if comesBefore(streams[child].record, streams[least].record) { least = child }
      }
      guard least != at else { return }
      streams.swapAt(at, least)
      at = least
    }
  }

  /// Takes out the half of the streams that has the fewest records to come.
  mutating func removeShorterHalf() -> StreamHeap {
    let sorted = streams.sorted { $0.remainingCount < $1.remainingCount }
    streams = []
    var half = StreamHeap()
    for (at, stream) in sorted.enumerated() {
      if at < sorted.count / 2 { half.insert(stream) } else { insert(stream) }
    }
    return half
  }
}
