/// What conversions saw that is not wrong and yet suspicious, in one input.
package struct ConversionCounts: Sendable, Equatable, Codable {
  /// Local times that the clocks showed twice.
  package var ambiguousTimes = 0
  /// Times whose unit was told by their magnitude.
  package var guessedTimes = 0
  /// Amounts that were rounded.
  package var roundedAmounts = 0

  package init(ambiguousTimes: Int = 0, guessedTimes: Int = 0, roundedAmounts: Int = 0) {
    self.ambiguousTimes = ambiguousTimes
    self.guessedTimes = guessedTimes
    self.roundedAmounts = roundedAmounts
  }

  /// What was counted since `before`.
  package func since(_ before: ConversionCounts) -> ConversionCounts {
    ConversionCounts(
      ambiguousTimes: ambiguousTimes - before.ambiguousTimes, guessedTimes: guessedTimes - before.guessedTimes,
      roundedAmounts: roundedAmounts - before.roundedAmounts)
  }
}
