/// What a record is: a visitor saw a variation, or did something that counts.
///
/// The raw value is the record's place in the total order of a visitor: decisions first.
@usableFromInline package enum RecordKind: UInt8, Sendable, Hashable, CaseIterable {
  case decision = 0
  case conversion = 1

  /// The word used in files, messages and JSON.
  package var word: String { self == .decision ? "decision" : "conversion" }
}
