import Bytes
import Checkpointing
import Grouping
import Synchronization

/// What the decisions of a run were for, numbered from 1 in the order of their first sight, by whichever thread.
final class VariationBook: Sendable {
  struct Key: Hashable {
    var campaign: Digest
    var variation: Digest

    init(_ decision: borrowing StagedRecord) {
      campaign = Digest(decision.campaignOrEntity)
      variation = variationDigest(decision.experimentOrKey, decision.variation)
    }
  }

  private struct Pages {
    var numbers: [Key: Int] = [:]
    var variations: [LedgerVariation] = []
  }

  private let pages = Mutex(Pages())

  /// All that have a number.
  var variations: [LedgerVariation] { pages.withLock { $0.variations } }

  func number(of key: Key, _ variation: LedgerVariation) -> Int {
    pages.withLock { pages in
      if let known = pages.numbers[key] { return known }
      guard pages.variations.count < LedgerEntry.mostVariations else { return 0 }
      pages.variations.append(variation)
      pages.numbers[key] = pages.variations.count
      return pages.variations.count
    }
  }
}

/// Ledger entries as they are kept: in the order of visitor hashes, those of one visitor in the order of ids.
struct LedgerCollector: ~Copyable {
  private let book: VariationBook
  /// Numbers that this one has asked for.
  private var numbers: [VariationBook.Key: Int] = [:]
  private var entries = ByteArena(limit: 1 << 40)
  /// Of the visitor at hand.
  private var hash: UInt64 = 0
  private var marks: [LedgerEntry] = []

  private static let mostNumbers = 10_000

  init(_ book: VariationBook) { self.book = book }

  /// Adds an event of a visitor, who is the one at hand or one with a greater hash.
  mutating func add(_ record: borrowing StagedRecord) {
    if record.hash != hash { begin(record.hash) }
    marks.append(
      LedgerEntry(
        visitorHash: record.hash, id: Digest(record.eventID).high, timestamp: record.timestamp, content: contentDigest(record),
        variation: record.isDecision ? number(of: record) : 0, isHeldBack: record.isDecision && isHeldBack(record)))
  }

  private mutating func number(of decision: borrowing StagedRecord) -> Int {
    let key = VariationBook.Key(decision)
    if let known = numbers[key] { return known }
    let variation = LedgerVariation(
      campaign: copy(decision.campaignOrEntity), experiment: copy(decision.experimentOrKey), variation: copy(decision.variation))
    if numbers.count == LedgerCollector.mostNumbers { numbers.removeAll() }
    let number = book.number(of: key, variation)
    numbers[key] = number
    return number
  }

  /// Adds entries that are written already, of visitors behind the one at hand.
  mutating func add(_ written: Span<UInt8>) {
    guard written.count > 0 else { return }
    endVisitor()
    precondition(load64(written, 0).byteSwapped >= hash, "a body's records lie in the order of their visitors' hashes")
    hash = load64(written, written.count - LedgerEntry.byteCount).byteSwapped
    entries.append(written)
  }

  /// Calls `use` with all entries, and begins anew.
  mutating func finish<Value>(_ use: (Span<UInt8>) -> Value) -> Value {
    endVisitor()
    let value = use(entries.span)
    entries.removeAll()
    hash = 0
    return value
  }

  /// The entries of one body; nil for one without events, which nobody planned.
  mutating func finish() -> LedgerEntries? {
    let book = book
    return finish { $0.count > 0 ? LedgerEntries(entries: copy($0), variations: book.variations) : nil }
  }

  private mutating func begin(_ hash: UInt64) {
    precondition(self.hash <= hash, "a body's records lie in the order of their visitors' hashes")
    endVisitor()
    self.hash = hash
  }

  private mutating func endVisitor() {
    if marks.count > 1 { marks.sort { $0.id < $1.id } }
    for mark in marks { mark.append(to: &entries) }
    marks.removeAll(keepingCapacity: true)
  }
}
