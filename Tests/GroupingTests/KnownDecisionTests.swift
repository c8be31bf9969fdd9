import Bytes
import Testing
import Vocabulary

@testable import Grouping

@Suite("Decisions that earlier runs sent are the visitor's own") struct KnownDecisionTests {
  /// A decision of an earlier run, and that its event was accepted.
  private func known(
    _ variation: String, at time: Int64, campaign: String = "c", isHeldBack: Bool = false, uuid: String = "earlier"
  ) -> Remembered {
    let id = Digest(Array(uuid.utf8).span).high
    var known = Remembered()
    known.events = [KnownEvent(id: id, content: 0)]
    known.decisions = [
      KnownDecision(
        id: id,
        variation: KnownVariation(campaign: Array(campaign.utf8), experiment: Array("e".utf8), variation: Array(variation.utf8)),
        isHeldBack: isHeldBack, timestamp: time)
    ]
    return known
  }

  private func judged(
    _ rows: [Row], _ known: Remembered, _ rules: JudgeRules = JudgeRules(), carries: Bool = false, limit: Int = 1_000
  ) throws -> VisitorJudge {
    let scratch = try Scratch()
    let runs = try stage(rows, in: scratch, memoryBytes: 1 << 16, frameBytes: 1 << 16, mergeBytes: 1 << 16)
    var walker = try PagedWalker(runs, memoryBytes: 1 << 16, identicalRows: .once)
    var judge = VisitorJudge(rules, carriesDecisions: carries, identityLimit: limit, scratchFolder: scratch.folder)
    var known = known
    #expect(try walker.nextVisitor())
    try judge.judgeAll(&walker) { hash, ids throws(RunFailure) in try known.events(of: hash, ids: ids) }
    return judge
  }

  private func decision(_ variation: String, at time: Int64, uuid: String, campaign: String = "c") -> Row {
    Row(isDecision: true, campaign: campaign, variation: variation, timestamp: time, uuid: uuid)
  }

  private func conversion(at time: Int64, uuid: String = "sale") -> Row { Row(campaign: "sale", timestamp: time, uuid: uuid) }

  @Test(
    "a later decision for another variation is a conflict, treated as the policy says",
    arguments: [(OnConflict.first, RecordFate.conflictFiltered), (.reject, .conflictRejected), (.keep, .kept)])
  func conflict(policy: OnConflict, fate: RecordFate) throws {
    let rules = JudgeRules(onConflict: policy)
    let judge = try judged([decision("b", at: 20, uuid: "new")], known("a", at: 10), rules)
    #expect(judge.fates == [fate])
    #expect(judge.counts.conflicts.count == 1)
    #expect(try judged([decision("a", at: 20, uuid: "new")], known("a", at: 10), rules).fates == [.kept])
    #expect(try judged([decision("b", at: 20, uuid: "new", campaign: "d")], known("a", at: 10), rules).fates == [.kept])
    #expect(try judged([decision("b", at: 20, uuid: "new")], known("a", at: 10, isHeldBack: true), rules).fates == [.kept])
  }

  @Test("of two decisions at one moment the accepted one is the first")
  func tie() throws {
    #expect(try judged([decision("b", at: 10, uuid: "new")], known("a", at: 10)).fates == [.conflictFiltered])
  }

  @Test("an earlier decision that comes late is sent, for it counts, and the finding tells that it moves the visitor")
  func late() throws {
    let judge = try judged([decision("b", at: 5, uuid: "new"), decision("a", at: 7, uuid: "newer")], known("a", at: 10))
    #expect(judge.fates == [.kept, .conflictFiltered])
    #expect(judge.counts.conflicts.count == 2)
  }

  @Test("a conversion is early, or counts, by the decision of the earlier run", arguments: [9, 10, 11] as [Int64])
  func conversions(time: Int64) throws {
    let judge = try judged([conversion(at: time)], known("a", at: 10), JudgeRules(earlyConversions: .reject))
    #expect(judge.fates == [time < 10 ? .earlyRejected : .kept])
    #expect(judge.counts.conversionsWithDecision == 1)
    #expect(judge.counts.conversionsWithoutDecision.count == 0)
    #expect(judge.counts.earlyConversions.count == (time < 10 ? 1 : 0))
  }

  @Test("where conversions carry their decisions, one that an earlier run sent is of no use, and they are said to have none")
  func carried() throws {
    let judge = try judged([conversion(at: 11)], known("a", at: 10), carries: true)
    #expect(judge.counts.conversionsWithoutDecision.count == 1)
  }

  @Test("of repeated activations only the earliest is sent, also when an earlier run sent it")
  func activations() throws {
    let rules = JudgeRules(activations: .first)
    let rows = [decision("a", at: 20, uuid: "new"), decision("a", at: 30, uuid: "newer")]
    #expect(try judged(rows, known("a", at: 10), rules).fates == [.activationFiltered, .activationFiltered])
    #expect(try judged(rows, known("a", at: 25), rules).fates == [.kept, .activationFiltered])
    #expect(try judged(rows, known("a", at: 10, isHeldBack: true), rules).fates == [.kept, .activationFiltered])
  }

  @Test("a decision that was accepted with other content stands as it was accepted, not as it is told now")
  func superseded() throws {
    let rows = [decision("b", at: 5, uuid: "earlier"), decision("a", at: 30, uuid: "new"), conversion(at: 7)]
    let judge = try judged(rows, known("a", at: 10))
    #expect(judge.fates == [.alreadyAccepted, .kept, .kept])
    #expect(judge.counts.changedAfterAccept.count == 1)
    #expect(judge.counts.conflicts.count == 0)
    #expect(judge.counts.earlyConversions.count == 1)
  }

  @Test("of many known decisions the earliest of each variation counts, however the ids are read", arguments: [2, 3, 1_000])
  func many(limit: Int) throws {
    var all = Remembered()
    for (at, time) in [40, 10, 30, 20].enumerated() {
      let one = known(at % 2 == 0 ? "a" : "b", at: Int64(time), uuid: "earlier-\(at)")
      all.events += one.events
      all.decisions += one.decisions
    }
    let rows = (1...6).map { decision("a", at: Int64(50 + $0), uuid: "new-\($0)") } + [conversion(at: 9)]
    let judge = try judged(rows, all, limit: limit)
    #expect(judge.fates == [RecordFate](repeating: .conflictFiltered, count: 6) + [.kept])
    #expect(judge.counts.earlyConversions.count == 1)
    #expect(judge.knownDecisions.map(\.timestamp).sorted() == [10, 30])
  }
}
