import Checkpointing
import Grouping
import Normalizing
import Vocabulary

/// Turns what staging, judging and planning counted into findings, most harmful first.
struct Findings {
  private let counts: StagingCounts
  private let judged: JudgeCounts
  private let tally: PlanTally
  private let inputs: [InputRow]
  private let carriesDecisions: Bool
  private var found: [Finding] = []

  /// `carriesDecisions` says that conversions are sent with the decisions in force, for the server does not add them.
  init(_ counts: StagingCounts, _ judged: JudgeCounts, _ tally: PlanTally, inputs: [InputRow], carriesDecisions: Bool) {
    self.counts = counts
    self.judged = judged
    self.tally = tally
    self.inputs = inputs
    self.carriesDecisions = carriesDecisions
    findEvents()
    findIDs()
    findRows()
    findInputs()
  }

  /// Below this many records a share says nothing.
  static let fewRecords = 20

  var all: [PlanRecord.Sighting] {
    let worst = found.enumerated().sorted { ($1.element.severity, $0.offset) < ($0.element.severity, $1.offset) }
    return worst.map(\.element).map {
      PlanRecord.Sighting(
        code: $0.code.rawValue, severity: $0.severity.rawValue, count: $0.count, total: $0.total, samples: $0.samples, places: $0.places)
    }
  }

  /// Findings about events as they would be sent.
  private mutating func findEvents() {
    let early = judged.earlyConversions.count
    let ofAll = judged.conversionsWithDecision
    add(
      .earlyConversion, early * 10 > ofAll * 9 && ofAll >= Findings.fewRecords ? .falsifies : .warning, judged.earlyConversions, of: ofAll)
    add(.timestampFuture, tally.future.count * 100 > tally.total ? .falsifies : .warning, tally.future, of: tally.standing)
    // Amounts below ten dollars are rare where amounts are in cents, and usual where they are in dollars.
    if tally.bareRevenues >= Findings.fewRecords, tally.smallRevenues.count * 20 >= tally.bareRevenues * 19 {
      add(.revenueUnit, .falsifies, tally.smallRevenues, of: tally.bareRevenues)
    }
    add(.variationConflict, .warning, judged.conflicts, of: tally.total)
    add(.changedAfterAccept, .warning, judged.changedAfterAccept, of: tally.standing)
    if tally.recordsWithAttributes > 0 {
      let without = tally.conversionsWithoutAttributes
      add(.conversionWithoutAttributes, without.count * 10 >= tally.conversions ? .warning : .note, without, of: tally.conversions)
    }
    add(.personalData, .warning, tally.addressedVisitors, of: tally.visitors)
    // Whether an SDK activated them does not matter to conversions that carry their decisions.
    add(.noDecision, carriesDecisions ? .warning : .note, judged.conversionsWithoutDecision, of: tally.conversions)
  }

  /// Findings about the ids of events and of what they are about.
  private mutating func findIDs() {
    add(.unknownID, tally.unknownIDs.count * 2 > tally.standing ? .falsifies : .warning, tally.unknownIDs, of: tally.standing)
    let missing = Double(judged.givenIDCount) - judged.givenIDs.count
    // The estimate of different ids is good to about one in a hundred.
    if judged.givenIDCount >= Findings.fewRecords, missing * 20 > Double(judged.givenIDCount) {
      let severity = missing * 2 > Double(judged.givenIDCount) ? Severity.falsifies : .warning
      found.append(
        Finding(.uuidShared, severity, count: Int(missing), of: judged.givenIDCount, places: judged.sharedIDs.samples.map(place)))
    }
    add(
      .noNaturalID, tally.collapsed.count * 100 > tally.total ? .warning : .note, tally.collapsed, of: tally.total + tally.collapsed.count)
  }

  /// Findings about rows, some of which became no event.
  private mutating func findRows() {
    for code in [FindingCode.timestampUnit, .damagedID] {
      add(code, counts.sightings[code].count * 100 > counts.read && counts.read >= Findings.fewRecords ? .falsifies : .warning)
    }
    add(.cutOffInput, .falsifies)
    add(.outsideWindow, .warning)
    add(.timestampGuessed, .warning)
    add(.timeAmbiguous, .note)
    add(.unknownAttribute, .warning)
    add(.amountRounded, .note)
  }

  private mutating func findInputs() {
    if !counts.emptyInputs.isEmpty {
      found.append(
        Finding(
          .emptyInput, .warning, count: counts.emptyInputs.count, of: inputs.count,
          samples: Array(counts.emptyInputs.prefix(Limits.findingSamples))))
    }
    if counts.read > 0, counts.staged == 0, counts.filtered > 0, counts.rejects.isEmpty {
      found.append(Finding(.nothingToSend, .warning, count: counts.filtered, of: counts.read))
    }
    if !counts.unmetPaths.isEmpty {
      found.append(Finding(.unmatchedPath, .warning, count: counts.unmetPaths.count, samples: Array(counts.unmetPaths.prefix(10))))
    }
    if let excluded = counts.excluded, excluded.records == 0, counts.read > 0 {
      found.append(Finding(.excludedNobody, .warning, count: excluded.listed))
    }
    if !counts.unknownNames.isEmpty {
      found.append(
        Finding(.unknownColumn, .note, count: counts.unknownNames.count, samples: Array(counts.unknownNames.keys.sorted().prefix(10))))
    }
  }

  private mutating func add(_ code: FindingCode, _ severity: Severity, _ tally: JudgeCounts.Tally, of total: Int) {
    guard tally.count > 0 else { return }
    found.append(Finding(code, severity, count: tally.count, of: total, places: tally.samples.map(place)))
  }

  private func place(_ sample: JudgeCounts.Sample) -> FindingPlace { Findings.place(sample, inputs) }

  static func place(_ sample: JudgeCounts.Sample, _ inputs: [InputRow]) -> FindingPlace {
    FindingPlace(
      file: displayName(inputs[sample.input].path), line: sample.line, byte: sample.offset,
      event: String(decoding: sample.event, as: UTF8.self))
  }

  private mutating func add(_ code: FindingCode, _ severity: Severity) {
    let sighting = counts.sightings[code]
    guard sighting.count > 0 else { return }
    let places = sighting.places.map { FindingPlace(file: displayName(inputs[$0.input].path), line: $0.line, byte: $0.offset) }
    found.append(Finding(code, severity, count: sighting.count, of: counts.read, places: places))
  }
}
