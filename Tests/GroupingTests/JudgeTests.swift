import Bytes
import Testing
import Vocabulary

@testable import Grouping

/// Events accepted before, for every visitor alike; notes what it is asked.
struct Remembered {
  var events: [KnownEvent] = []
  var decisions: [KnownDecision] = []
  var slices: [ClosedRange<UInt64>] = []

  mutating func events(of visitorHash: UInt64, ids: ClosedRange<UInt64>) throws(RunFailure) -> KnownVisitor {
    slices.append(ids)
    var known = KnownVisitor()
    known.events = events.filter { ids.contains($0.id) }
    known.decisions = decisions.filter { ids.contains($0.id) }
    return known
  }
}

@Suite struct JudgeTests {
  static let rules = OnConflict.allCases.flatMap { conflict in
    Activations.allCases.flatMap { activations in
      EarlyConversions.allCases.map { JudgeRules(onConflict: conflict, activations: activations, earlyConversions: $0) }
    }
  }

  /// One visitor with everything that is judged, its records in the total order.
  private func records(seed: UInt64, count: Int) -> [[UInt8]] {
    var records: [[UInt8]] = []
    for bytes in history(seed: seed, count: count, visitors: 1).map(\.staged).sorted(by: { placed($0, $1) < 0 })
    where records.isEmpty || found(records[records.count - 1], bytes) != 0 { records.append(bytes) }
    return records
  }

  /// A third of the records were accepted before, some of them with another content.
  private func remembered(_ records: [[UInt8]]) -> Remembered {
    var known = Remembered()
    for (at, bytes) in records.enumerated() where at % 3 == 1 {
      let record = StagedRecord(bytes.span)
      let id = Digest(record.eventID).high
      if known.events.contains(where: { $0.id == id }) { continue }
      known.events.append(KnownEvent(id: id, content: contentDigest(record) ^ (at % 2 == 0 ? 1 : 0)))
    }
    return known
  }

  @Test(
    "a visitor is judged as by one who sees all of it, whatever the memory for ids and the size of pages",
    arguments: [1, 2, 3] as [UInt64], rules)
  func judge(seed: UInt64, rules: JudgeRules) throws {
    let records = records(seed: seed, count: 90)
    let expected = Verdict(records, remembered(records).events, rules)
    let scratch = try Scratch()
    var writer = try SortedRunWriter(number: 0, partition: 0, path: scratch.path(0), frameBytes: 500)
    for bytes in records { try writer.append(StagedRecord(bytes.span)) }
    let run = try writer.finish()
    for (limit, page) in [(2, 1 << 20), (9, 900), (1_000, 1), (1_000, 1 << 20)] {
      var walker = try PagedWalker(try RunMerger([run]), pageBytes: page, pagesAhead: 1, identicalRows: .once)
      var judge = VisitorJudge(rules, identityLimit: limit, scratchFolder: scratch.folder)
      var known = remembered(records)
      #expect(try walker.nextVisitor())
      try judge.judgeAll(&walker) { hash, ids throws(RunFailure) in try known.events(of: hash, ids: ids) }
      #expect(judge.fates == expected.fates)
      #expect(judge.counts.conflicts.count == expected.conflicts)
      #expect(judge.counts.changedAfterAccept.count == expected.changed)
      #expect(judge.counts.earlyConversions.count == expected.early)
      #expect(judge.counts.conversionsWithDecision == expected.withDecision)
      #expect(judge.counts.conversionsWithoutDecision.count == expected.withoutDecision)
      #expect(judge.counts.conflicts.samples.count == min(expected.conflicts, Limits.findingSamples))
      // The slices of ids lie one behind the other and leave none out.
      #expect(known.slices.first?.lowerBound == 0 && known.slices.last?.upperBound == .max)
      for (one, next) in zip(known.slices, known.slices.dropFirst()) { #expect(next.lowerBound == one.upperBound + 1) }
      #expect(limit > 10 || known.slices.count > 1)
      #expect(judge.counts.givenIDCount == expected.given)
      // A second judgement is the first.
      try judge.judgeAll(&walker) { hash, ids throws(RunFailure) in try known.events(of: hash, ids: ids) }
      #expect(judge.fates == expected.fates)
    }
  }

  @Test(
    "records that are settled as they are taken are judged as after the whole visitor", arguments: [1, 2, 3] as [UInt64], rules)
  func atOnce(seed: UInt64, rules: JudgeRules) throws {
    let scratch = try Scratch()
    // All that is special about a visitor, and what is usual: the first of each id, without conflicts, and none of it known.
    let special = records(seed: seed, count: 90)
    var ids: Set<Digest> = []
    let usual = special.filter { bytes in
      let record = StagedRecord(bytes.span)
      return !record.isDecision && ids.insert(Digest(record.eventID)).inserted
    }
    for (number, records) in [special, usual].enumerated() {
      var writer = try SortedRunWriter(number: number, partition: 0, path: scratch.path(number), frameBytes: 500)
      for bytes in records { try writer.append(StagedRecord(bytes.span)) }
      let run = try writer.finish()
      let remembered = number == 0 ? remembered(records) : Remembered()
      func judged(atOnce: Bool) throws -> (VisitorCountsAndFates, isLastWord: Bool) {
        var walker = try PagedWalker(try RunMerger([run]), pageBytes: 900, pagesAhead: 1, identicalRows: .once)
        var judge = VisitorJudge(rules, identityLimit: seed == 1 ? 2 : 1000, scratchFolder: scratch.folder)
        var known = remembered
        #expect(try walker.nextVisitor())
        var isLastWord = false
        if atOnce {
          isLastWord = try judge.judgeAtOnce(&walker) { hash, ids throws(RunFailure) in try known.events(of: hash, ids: ids) }
        } else {
          try judge.judgeAll(&walker) { hash, ids throws(RunFailure) in try known.events(of: hash, ids: ids) }
        }
        return (VisitorCountsAndFates(fates: judge.fates, counts: judge.counts), isLastWord)
      }
      let found = try judged(atOnce: true)
      #expect(try found.0 == judged(atOnce: false).0)
      #expect(found.isLastWord == (number == 1))
    }
  }

  private struct VisitorCountsAndFates: Equatable {
    var fates: [RecordFate]
    var counts: JudgeCounts
  }

  private func judged(_ rows: [Row], _ rules: JudgeRules) throws -> [RecordFate] {
    let scratch = try Scratch()
    let runs = try stage(rows, in: scratch, memoryBytes: 1 << 16, frameBytes: 1 << 16, mergeBytes: 1 << 16)
    var walker = try PagedWalker(runs, memoryBytes: 1 << 16, identicalRows: .once)
    var judge = VisitorJudge(rules, memoryBytes: 0, scratchFolder: scratch.folder)
    var known = Remembered()
    #expect(try walker.nextVisitor())
    try judge.judgeAll(&walker) { hash, ids throws(RunFailure) in try known.events(of: hash, ids: ids) }
    return judge.fates
  }

  @Test("a decision that was held back does not stand for a later one that counts")
  func holdbacks() throws {
    let heldBack = Row(isDecision: true, isHoldback: true, timestamp: 1, uuid: "a")
    let first = Row(isDecision: true, timestamp: 2, uuid: "b")
    let again = Row(isDecision: true, timestamp: 3, uuid: "c")
    let rules = JudgeRules(activations: .first)
    #expect(try judged([heldBack, first, again], rules) == [.kept, .kept, .activationFiltered])
  }

  @Test("of two decisions at one moment the smaller event id is the first, in whichever session it lies")
  func ties() throws {
    let one = Row(isDecision: true, session: "z", variation: "a", uuid: "1")
    let other = Row(isDecision: true, session: "a", variation: "b", uuid: "2")
    // The total order begins with session a.
    #expect(try judged([one, other], JudgeRules()) == [.conflictFiltered, .kept])
  }

  @Test("an empty set of ids is asked for once, and an id beyond all slices is still compared")
  func oneRecord() throws {
    #expect(try judged([Row()], JudgeRules(earlyConversions: .reject)) == [.kept])
    #expect(try judged([Row(timestamp: 1, uuid: "a"), Row(timestamp: 2, uuid: "a")], JudgeRules()) == [.kept, .idReused])
  }
}

/// The judgement of one who holds the whole visitor in hand: quadratic, and in the words of the rules.
struct Verdict {
  var fates: [RecordFate] = []
  var conflicts = 0
  var given = 0
  var changed = 0
  var early = 0
  var withDecision = 0
  var withoutDecision = 0

  private struct Fact {
    var isDecision, isHeldBack, isDerived: Bool
    var time: Int64
    var id, campaign, experiment, variation: [UInt8]
    var content: UInt64

    init(_ bytes: [UInt8]) {
      let record = StagedRecord(bytes.span)
      isDecision = record.isDecision
      isDerived = record.flags.contains(.derivedID)
      experiment = copy(record.experimentOrKey)
      variation = isDecision ? copy(record.variation) : []
      isHeldBack = record.flags.contains(.holdback) || experiment == Array("null".utf8) || variation == Array("null".utf8)
      time = record.timestamp
      id = copy(record.eventID)
      campaign = copy(record.campaignOrEntity)
      content = contentDigest(record)
    }

    func isEarlier(than other: Fact) -> Bool {
      time != other.time ? time < other.time : id.lexicographicallyPrecedes(other.id)
    }
  }

  init(_ records: [[UInt8]], _ known: [KnownEvent], _ rules: JudgeRules) {
    let facts = records.map(Fact.init)
    given = facts.count { !$0.isDerived }
    for (at, fact) in facts.enumerated() {
      let accepted = known.first { $0.id == Digest(fact.id.span).high }
      if let first = facts[..<at].first(where: { $0.id == fact.id }) {
        fates.append(first.isDerived && fact.isDerived ? .sameEvent : .idReused)
      } else if let accepted {
        fates.append(.alreadyAccepted)
        if accepted.content != fact.content { changed += 1 }
      } else {
        fates.append(.kept)
      }
    }
    let decisions = facts.indices.filter { facts[$0].isDecision && fates[$0] != .idReused && fates[$0] != .sameEvent }
    for at in decisions {
      let fact = facts[at]
      let rivals = decisions.map { facts[$0] }.filter { $0.campaign == fact.campaign && !$0.isHeldBack }
      if !fact.isHeldBack, let first = rivals.min(by: { $0.isEarlier(than: $1) }),
        first.experiment != fact.experiment || first.variation != fact.variation
      {
        conflicts += 1
        if fates[at] == .kept {
          fates[at] = [.first: .conflictFiltered, .reject: .conflictRejected, .keep: .kept][rules.onConflict]!
        }
      }
      let likes = decisions.map { facts[$0] }.filter {
        $0.campaign == fact.campaign && $0.experiment == fact.experiment && $0.variation == fact.variation
          && $0.isHeldBack == fact.isHeldBack
      }
      if fates[at] == .kept, rules.activations == .first, likes.contains(where: { $0.isEarlier(than: fact) }) {
        fates[at] = .activationFiltered
      }
    }
    let first = facts.indices.filter { facts[$0].isDecision && stands($0) }.map { facts[$0].time }.min()
    for (at, fact) in facts.enumerated() where !fact.isDecision && stands(at) {
      guard let first else {
        withoutDecision += 1
        continue
      }
      withDecision += 1
      guard fact.time < first else { continue }
      early += 1
      if fates[at] == .kept, rules.earlyConversions == .reject { fates[at] = .earlyRejected }
    }
  }

  private func stands(_ at: Int) -> Bool { fates[at] == .kept || fates[at] == .alreadyAccepted }
}
