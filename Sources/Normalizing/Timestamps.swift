import Bytes
import Vocabulary

/// Why a text is not a point in time, in words that say what to do.
enum TimestampFault: Error, Sendable, Equatable {
  case unit(String)
  case noOffset
  case form
  case range
  /// It is not in the form that the mapping says.
  case otherForm(String)
  /// Clocks were put forward over it.
  case skipped(zone: String)

  var code: RejectCode { if case .unit = self { .timestampUnit } else { .badTimestamp } }

  var message: String {
    switch self {
    case .unit(let unit): "this looks like epoch \(unit); give epoch milliseconds (13 digits) or ISO 8601 with an offset"
    case .noOffset: "the time has no offset from UTC; write it with one, as in 2024-05-01T12:00:00Z or 2024-05-01T14:00:00+02:00"
    case .form: "this is not a time; give epoch milliseconds (13 digits) or ISO 8601 with an offset, as in 2024-05-01T12:00:00Z"
    case .otherForm(let form): "this is no day or time in the form that the mapping says, \(form); correct the row, or the format"
    case .skipped(let zone):
      "this local time never was in \(zone): clocks were put forward over it; give the time with its offset from UTC"
    case .range: "the time lies outside of 2001-09-09 to 2286-11-20, which 13 digits of epoch milliseconds can say"
    }
  }
}

/// The epoch milliseconds that the text stands for: 13 digits, or ISO 8601 with an offset. Digits beyond the millisecond are cut off.
///
/// No machine's time zone is ever looked at. `assumingUTC` lets a time without an offset pass as UTC.
func epochMilliseconds(_ text: Span<UInt8>, assumingUTC: Bool) throws(TimestampFault) -> Int64 {
  if let number = wholeNumber(text) {
    guard text[0] &- 0x30 <= 9 else { throw .range }
    guard text.count == 13 else { throw .unit(unitLike(text.count)) }
    guard Limits.timestamps.contains(number) else { throw .range }
    return number
  }
  guard text.count >= 16 else { throw .form }
  guard let year = digits(text, 0, 4), text[4] == 0x2d, let month = digits(text, 5, 2), text[7] == 0x2d,
    let day = digits(text, 8, 2), text[10] | 0x20 == 0x74 || text[10] == 0x20, let hour = digits(text, 11, 2), text[13] == 0x3a,
    let minute = digits(text, 14, 2), hour < 24, minute < 60, month >= 1, month <= 12, day >= 1, day <= daysIn(month, year)
  else { throw .form }
  var at = 16
  var second = 0
  var millisecond = 0
  if at < text.count, text[at] == 0x3a {
    guard let value = digits(text, at + 1, 2), value < 60 else { throw .form }
    second = value
    at += 3
    if at < text.count, text[at] == 0x2e || text[at] == 0x2c {
      guard let fraction = fraction(text, at + 1) else { throw .form }
      millisecond = fraction.milliseconds
      at = fraction.end
    }
  }
  let offset = try minutesFromUTC(text, at, assumingUTC: assumingUTC)
  let days = daysSinceEpoch(year, month, day)
  let minutes = Int64(days) * 1440 + Int64(hour * 60 + minute - offset)
  let milliseconds = (minutes * 60 + Int64(second)) * 1000 + Int64(millisecond)
  guard Limits.timestamps.contains(milliseconds) else { throw .range }
  return milliseconds
}

private func unitLike(_ digitCount: Int) -> String {
  switch digitCount {
  case ...11: "seconds"
  case 12...14: "milliseconds with a digit too many or too few"
  case 15...17: "microseconds"
  default: "nanoseconds"
  }
}

func minutesFromUTC(_ text: Span<UInt8>, _ start: Int, assumingUTC: Bool) throws(TimestampFault) -> Int {
  var at = start
  if at < text.count, text[at] == 0x20 { at += 1 }
  guard at < text.count else {
    if assumingUTC, at == start { return 0 }
    throw at == start ? .noOffset : .form
  }
  if text[at] | 0x20 == 0x7a, at + 1 == text.count { return 0 }
  if same(text.extracting(at..<text.count), "UTC") { return 0 }
  guard text[at] == 0x2b || text[at] == 0x2d, let hours = digits(text, at + 1, 2), hours <= 18 else { throw .form }
  let sign = text[at] == 0x2b ? 1 : -1
  at += 3
  if at == text.count { return sign * hours * 60 }
  if text[at] == 0x3a { at += 1 }
  guard let minutes = digits(text, at, 2), minutes < 60, at + 2 == text.count else { throw .form }
  return sign * (hours * 60 + minutes)
}
