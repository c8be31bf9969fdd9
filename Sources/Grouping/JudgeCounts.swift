package import Bytes
import Vocabulary

/// What judging has counted: for findings, with the input and line of the first of each.
package struct JudgeCounts: Sendable, Equatable {
  package struct Tally: Sendable, Equatable {
    package var count = 0
    package var samples: [Sample] = []

    package init() {}

    package mutating func add(_ record: borrowing StagedRecord) {
      count += 1
      if samples.count < Limits.findingSamples { samples.append(Sample(record)) }
    }

    /// Adds the record at an offset when its event id was derived from what it says.
    mutating func addDerived(_ bytes: Span<UInt8>, at offset: Int) {
      let record = StagedRecord(bytes, at: offset)
      if record.flags.contains(.derivedID) { add(record) }
    }

    /// Adds what was counted later.
    package mutating func append(_ later: Tally) {
      count += later.count
      samples.append(contentsOf: later.samples.prefix(Limits.findingSamples - samples.count))
    }
  }

  package struct Sample: Sendable, Equatable {
    package var input: Int
    package var line: Int
    package var offset: Int
    /// The beginning of the event with its visitor, as JSON text.
    package var event: [UInt8]

    package init(_ record: borrowing StagedRecord) {
      input = record.input
      line = record.line
      offset = record.rowOffset
      event = Array("{\"visitor_id\":\"".utf8)
      for part in [
        copy(record.visitor), Array("\"".utf8), copy(record.group), Array(record.isDecision ? ",\"snapshot\":".utf8 : ",\"event\":".utf8),
      ] {
        event += part
      }
      event += copy(record.event.extracting(first: Limits.sampleBytes)) + [0x7d]
      if event.count > Limits.sampleBytes { event.removeLast(event.count - Limits.sampleBytes) }
    }
  }

  package var conflicts = Tally()
  package var earlyConversions = Tally()
  package var conversionsWithoutDecision = Tally()
  package var changedAfterAccept = Tally()
  /// Conversions of visitors with a decision: what the early ones are a share of.
  package var conversionsWithDecision = 0
  /// Records that give their event id, and about how many different ids these are.
  package private(set) var givenIDCount = 0
  package private(set) var givenIDs = DistinctEstimate()
  /// Some records whose event id a record shortly before gave too, whosever it was: samples, whose count says nothing.
  package private(set) var sharedIDs = Tally()
  /// Ids given lately, each at the place that its own bits name. A few are enough: ids that are shared return soon.
  private var recentIDs = [Digest](repeating: Digest(high: 0, low: 0), count: 256)

  package init() {}

  /// Adds a record that gives its event id.
  mutating func addGivenID(_ id: Digest, _ record: borrowing StagedRecord) {
    givenIDCount += 1
    givenIDs.add(id.high)
    guard sharedIDs.count < Limits.findingSamples else { return }
    let place = Int(id.low % UInt64(recentIDs.count))
    if recentIDs[place] == id { sharedIDs.add(record) } else { recentIDs[place] = id }
  }

  /// Adds what was counted of later visitors.
  package mutating func append(_ later: JudgeCounts) {
    conflicts.append(later.conflicts)
    earlyConversions.append(later.earlyConversions)
    conversionsWithoutDecision.append(later.conversionsWithoutDecision)
    changedAfterAccept.append(later.changedAfterAccept)
    conversionsWithDecision += later.conversionsWithDecision
    givenIDCount += later.givenIDCount
    givenIDs.merge(later.givenIDs)
    sharedIDs.append(later.sharedIDs)
  }
}
