import Normalizing

extension FieldProposal {
  /// What a conversion was worth, with a question for all that its cells do not say for certain.
  mutating func money() {
    guard let (column, guess) = search.money() else {
      guard let column = search.candidates(.revenue).first else { return }
      ask("\(Self.shown(column.name)) sounds like an amount, and holds no plain numbers; it is left out.")
      return
    }
    var keys = ["from: \(Self.name(column))"]
    keys.append("unit: \(unit(column, guess))")
    if let mark = guess.openMark {
      ask(
        "is the mark \"\(mark)\" in these amounts what stands before decimals, or what stands between groups of three digits? Write "
          + "decimal: \".\" or decimal: \",\", and as group the other one, or leave group out.")
      keys += ["decimal: \"?\"", "group: \"?\""]
    } else {
      if guess.decimal == "," || guess.group == "." { keys.append("decimal: \",\"") }
      if let group = guess.group { keys.append("group: \(ConfigurationText.scalar(String(group)))") }
    }
    if guess.partCount > 0 {
      ask("\(guess.partCount) of \(guess.count) amounts are no whole hundredths, and will be rejected unless rounding says how to round.")
    }
    let others = column.cells.count - guess.count
    if others > 0 { text.append("  # \(others) of \(column.cells.count) cells are no amounts; their rows will be rejected.") }
    add(.revenue, "{\(keys.joined(separator: ", "))}", of: [column])
  }

  private mutating func unit(_ column: ColumnProfile, _ guess: AmountGuess) -> String {
    if guess.countsUnits, !column.isNamedMinor {
      text.append("  # \(guess.fractionCount) of \(guess.count) amounts have decimals other than 0, so they count whole units.")
      return "major"
    }
    if guess.fractionCount == 0, guess.openMark == nil, column.isNamedMinor {
      ask("the name says that these amounts count hundredths (1999 is 19.99); do they?")
      return "minor"
    }
    let zeros = guess.openMark == nil && guess.decimal != nil
    let hint = zeros ? " Their decimals say nothing, as nearly all of them are 0." : ""
    ask("do these amounts count whole units (major: 20 is 20.00) or hundredths (minor: 1999 is 19.99)?\(hint)")
    return "\"?\""
  }
}
