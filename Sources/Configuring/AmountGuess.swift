import Normalizing

/// How a column's amounts of money are written, as far as its cells say.
struct AmountGuess {
  /// What stands before fractions; nil when no amount has one.
  private(set) var decimal: Character?
  /// What stands between groups of three digits; nil when nothing does.
  private(set) var group: Character?
  /// A mark that may be either: each amount that has it has three digits behind it.
  private(set) var openMark: Character?
  let count: Int
  /// Amounts whose fraction is not zero, and those that are no whole hundredths.
  private(set) var fractionCount = 0
  private(set) var partCount = 0

  /// Nil unless nine in ten cells are amounts.
  init?(_ column: ColumnProfile) {
    let amounts = column.cells.compactMap(Amount.init)
    guard !amounts.isEmpty, amounts.count * 10 >= column.cells.count * 9 else { return nil }
    count = amounts.count
    var decimals = Set(amounts.compactMap(\.decimal))
    var groups = Set(amounts.compactMap(\.group))
    for open in Set(amounts.compactMap(\.open)).subtracting(decimals).subtracting(groups) {
      // A mark is not what another one is known to be.
      if !decimals.isEmpty { groups.insert(open) } else if !groups.isEmpty { decimals.insert(open) } else { openMark = open }
    }
    guard decimals.count < 2, groups.count < 2, decimals.isDisjoint(with: groups) else {
      openMark = decimals.first ?? groups.first
      return
    }
    (decimal, group) = (decimals.first, groups.first)
    for amount in amounts where amount.decimal != nil || (amount.open != nil && amount.open == decimal) {
      if amount.fraction.contains(where: { $0 != "0" }) { fractionCount += 1 }
      if amount.fraction.dropFirst(2).contains(where: { $0 != "0" }) { partCount += 1 }
    }
  }

  /// Whether fractions show that whole units are counted: one in a thousand may be another's slip, one in ten is none.
  var countsUnits: Bool { openMark == nil && fractionCount * 10 >= count }

  /// A number with a point or comma before its fraction and marks between groups of three digits, as far as it says which is which.
  private struct Amount {
    private(set) var decimal: Character?
    private(set) var group: Character?
    private(set) var open: Character?
    /// The digits behind the last mark.
    let fraction: Substring

    init?(_ text: String) {
      let text = withoutCurrency(text)
      let body = text.hasPrefix("-") ? text.dropFirst() : text[...]
      let marks = body.filter { !("0"..."9").contains($0) }
      let parts = body.split(omittingEmptySubsequences: false) { !("0"..."9").contains($0) }
      guard parts.allSatisfy({ !$0.isEmpty }), marks.allSatisfy({ ".,' \u{a0}\u{202f}".contains($0) }) else { return nil }
      fraction = parts[parts.count - 1]
      guard let last = marks.last else { return }
      let isPoint = last == "." || last == ","
      let isGrouped = (1...3).contains(parts[0].count) && parts.dropFirst().dropLast().allSatisfy { $0.count == 3 }
      if Set(marks).count == 2, isPoint, isGrouped, marks.count(where: { $0 == last }) == 1 {
        (decimal, group) = (last, marks.first)
      } else if Set(marks).count == 1, isGrouped, fraction.count == 3, marks.count > 1 || !isPoint {
        group = last
      } else if marks.count == 1, isPoint, fraction.count == 3, isGrouped, !parts[0].hasPrefix("0") {
        open = last
      } else if marks.count == 1, isPoint {
        decimal = last
      } else {
        return nil
      }
    }
  }
}
