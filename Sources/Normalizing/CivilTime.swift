/// A date and a time of day of the Gregorian calendar, by no zone's clock.
struct CivilTime: Equatable {
  var year = 1970
  var month = 1
  var day = 1
  var hour = 0
  var minute = 0
  var second = 0
  var millisecond = 0

  /// Whether there is such a day and such a time of day; 24:00 is the end of a day.
  var isValid: Bool {
    guard (1...9999).contains(year), (1...12).contains(month), (1...daysIn(month, year)).contains(day) else { return false }
    if hour == 24 { return minute == 0 && second == 0 && millisecond == 0 }
    return (0..<24).contains(hour) && (0..<60).contains(minute) && (0..<60).contains(second)
  }

  /// Seconds since 1970 by a clock that shows this.
  var seconds: Int64 { Int64(daysSinceEpoch(year, month, day)) * 86_400 + Int64(hour * 3600 + minute * 60 + second) }
}

/// Some digits as a number; nil when there are others in their place, or none.
func digits(_ text: Span<UInt8>, _ start: Int, _ count: Int) -> Int? {
  guard start + count <= text.count else { return nil }
  var value = 0
  for at in start..<(start + count) {
    guard text[at] &- 0x30 <= 9 else { return nil }
    value = value * 10 + Int(text[at] - 0x30)
  }
  return value
}

func daysIn(_ month: Int, _ year: Int) -> Int {
  switch month {
  case 2: isLeap(year) ? 29 : 28
  case 4, 6, 9, 11: 30
  default: 31
  }
}

func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

/// Days from 1970-01-01 to a date of the Gregorian calendar: years begin in March, so that a leap day is the last of its year.
func daysSinceEpoch(_ year: Int, _ month: Int, _ day: Int) -> Int {
  let y = month <= 2 ? year - 1 : year
  let era = (y >= 0 ? y : y - 399) / 400
  let yearOfEra = y - era * 400
  let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
  let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

/// Milliseconds of the digits behind a point, of which those beyond the third are cut off, and where they end.
func fraction(_ text: Span<UInt8>, _ start: Int) -> (milliseconds: Int, end: Int)? {
  var at = start
  var milliseconds = 0
  var weight = 100
  while at < text.count, text[at] &- 0x30 <= 9 {
    milliseconds += Int(text[at] - 0x30) * weight
    weight /= 10
    at += 1
  }
  return at > start ? (milliseconds, at) : nil
}
