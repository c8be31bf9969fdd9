package import Vocabulary

/// A visitor whose records can be gone through, page by page, as often as needed.
package protocol VisitorPages: ~Copyable {
  var visitorHash: UInt64 { get }
  /// Identical records taken out of the visitor; known when all its pages have been read once.
  var duplicateCountOfVisitor: Int { get }
  /// Identical rows taken out so far whose event ids are derived from what they say.
  var derivedDuplicates: JudgeCounts.Tally { get }

  /// Calls `body` with each page that has some of the first `recordCount` records: its bytes, where its records begin in them, and how many
  /// records came before. Decisions come first.
  mutating func eachPage(
    ofFirst recordCount: Int, _ body: (Span<UInt8>, Span<Int>, Int) throws(RunFailure) -> Void
  ) throws(RunFailure)

  /// Has the visitor judged: afterwards `judge.settle` tells the fate of each of its records.
  ///
  /// It stands here so that judging is compiled once for each kind of pages.
  mutating func judge(by judge: inout VisitorJudge, known: KnownEvents) throws(RunFailure)
}

extension VisitorPages where Self: ~Copyable {
  /// Calls `body` with each page.
  package mutating func eachPage(_ body: (Span<UInt8>, Span<Int>, Int) throws(RunFailure) -> Void) throws(RunFailure) {
    try eachPage(ofFirst: .max, body)
  }
}
