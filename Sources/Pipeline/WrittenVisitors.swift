import Bytes
import Chunking

/// Visitors with events to send, as bodies hold them: a body is mostly a few long copies of this.
///
/// Memory: their objects and ledger entries, which together take less than the records they were made of.
struct WrittenVisitors: Sendable {
  struct Visitor: Sendable {
    var hash: UInt64
    /// Its number in the partition.
    var number: Int
    /// Where its objects lie in `text`, without the comma before them. Nothing of a visitor that is split.
    var text: Range<Int>
    /// Where its entries lie in `entries`.
    var entries: Range<Int>
    var isSplit: Bool
  }

  /// The visitors' objects with commas between them.
  private(set) var text: [UInt8] = []
  /// What the ledger will remember of the visitors' events.
  private(set) var entries: [UInt8] = []
  /// In the total order.
  private(set) var visitors: [Visitor] = []
  /// Which of `visitors` are split.
  private(set) var splits: [Int] = []

  /// Begins anew in the same memory.
  mutating func removeAll() {
    text.removeAll(keepingCapacity: true)
    entries.removeAll(keepingCapacity: true)
    visitors.removeAll(keepingCapacity: true)
    splits.removeAll(keepingCapacity: true)
  }

  /// Adds a visitor that goes into a body whole.
  mutating func append(_ number: Int, hash: UInt64, text: Span<UInt8>, entries: Span<UInt8>) {
    if !self.text.isEmpty { self.text.append(0x2c) }
    let starts = (self.text.count, self.entries.count)
    Bytes.append(text, to: &self.text)
    Bytes.append(entries, to: &self.entries)
    visitors.append(
      Visitor(hash: hash, number: number, text: starts.0..<self.text.count, entries: starts.1..<self.entries.count, isSplit: false))
  }

  /// Adds a visitor whose records are written one by one, into several bodies.
  mutating func append(split number: Int, hash: UInt64) {
    let ends = (text.count, entries.count)
    splits.append(visitors.count)
    visitors.append(Visitor(hash: hash, number: number, text: ends.0..<ends.0, entries: ends.1..<ends.1, isSplit: true))
  }

  /// The first visitor whose hash is `hash` or greater; the number of visitors without one.
  func first(from hash: UInt64) -> Int {
    var low = 0
    var high = visitors.count
    while low < high {
      let middle = (low + high) / 2
      if visitors[middle].hash < hash { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Whether a visitor that is not split has this id, as JSON writes it.
  func isVisitor(_ number: Int, _ id: [UInt8]) -> Bool {
    let objects = text.span.extracting(visitors[number].text)
    let start = BodyComposer.visitorStart
    return objects.count > start + id.count && objects[start + id.count] == 0x22
      && same(objects.extracting(start..<(start + id.count)), id)
  }

  /// The first split visitor from `visitor` on; the number of visitors without one.
  func split(from visitor: Int) -> Int { splits.first { $0 >= visitor } ?? visitors.count }
}
