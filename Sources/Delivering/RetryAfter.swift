/// Reads `Retry-After` in both of its forms: seconds, or an IMF-fixdate (RFC 9110, 10.2.3 and 5.6.7).
enum RetryAfter {
  /// The delay that the header's values ask for: the longest of the readable ones, between zero and
  /// `DeliveryLimits.longestRetryAfter`; nil when none is readable.
  ///
  /// A date is measured against `sentAt`, the answer's own `Date`, which comes from the same clock; against ours, `epochMilliseconds`, which
  /// may be anywhere, only where the server gives none.
  static func delay(_ values: [String], sentAt: String? = nil, epochMilliseconds: Int64) -> Duration? {
    let now = sentAt.flatMap { epochSeconds(Array($0.utf8)) }.map { $0 * 1000 } ?? epochMilliseconds
    return values.compactMap { delay($0, epochMilliseconds: now) }.max()
  }

  private static func delay(_ value: String, epochMilliseconds: Int64) -> Duration? {
    let text = value.utf8.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    let trimmed = text.reversed().drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }.reversed()
    let bytes = Array(trimmed)
    if let seconds = seconds(bytes) { return min(.seconds(seconds), DeliveryLimits.longestRetryAfter) }
    guard let moment = epochSeconds(bytes) else { return nil }
    let (milliseconds, overflow) = (moment * 1000).subtractingReportingOverflow(epochMilliseconds)
    guard !overflow else { return nil }
    return max(.zero, min(.milliseconds(milliseconds), DeliveryLimits.longestRetryAfter))
  }

  /// A run of digits and nothing else; a number too long for a machine word is as good as its largest whole billion.
  private static func seconds(_ bytes: [UInt8]) -> Int64? {
    guard !bytes.isEmpty, bytes.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return bytes.reduce(0) { value, digit in min(value * 10 + Int64(digit - 0x30), 1_000_000_000) }
  }

  /// The moment of an IMF-fixdate such as `Sun, 06 Nov 1994 08:49:37 GMT`, in epoch seconds; nil for any other text and for days
  /// that the calendar does not have. The name of the weekday is not checked against the date.
  static func epochSeconds(_ bytes: [UInt8]) -> Int64? {
    guard bytes.count == 29, weekdays.contains(text(bytes[0..<3])), text(bytes[3..<5]) == ", ", text(bytes[25...]) == " GMT",
      bytes[7] == 0x20, bytes[11] == 0x20, bytes[16] == 0x20, bytes[19] == 0x3a, bytes[22] == 0x3a,
      let day = number(bytes[5..<7]), let month = months.firstIndex(of: text(bytes[8..<11])), let year = number(bytes[12..<16]),
      let hour = number(bytes[17..<19]), let minute = number(bytes[20..<22]), let second = number(bytes[23..<25]),
      hour < 24, minute < 60, second <= 60, day >= 1, day <= days(inMonth: month + 1, of: year)
    else { return nil }
    return (daysSinceEpoch(year: year, month: month + 1, day: day) * 24 + hour) * 3600 + minute * 60 + second
  }

  private static let weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

  private static func number(_ digits: ArraySlice<UInt8>) -> Int64? { seconds(Array(digits)) }

  private static func days(inMonth month: Int, of year: Int64) -> Int64 {
    switch month {
    case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// Days from 1970-01-01 in the Gregorian calendar. The year starts in March, so that the leap day is its last: the lengths of
  /// the months before it then follow one line, 153 days in every five.
  private static func daysSinceEpoch(year: Int64, month: Int, day: Int64) -> Int64 {
    let shifted = month > 2 ? year : year - 1
    let monthFromMarch = Int64((month + 9) % 12)
    let leapDays = shifted / 4 - shifted / 100 + shifted / 400
    return 365 * shifted + leapDays + (153 * monthFromMarch + 2) / 5 + day - 1 - 719_468
  }
}
