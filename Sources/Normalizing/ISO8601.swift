import Bytes

/// A time as ISO 8601 writes it, in any of its common forms: what it says, and its offset from UTC in minutes when it gives one.
///
///     2024-05-01T12:00:00.123+02:00    20240501T120000Z    2024-05-01 12:00    2024-W18-3T12:00Z    2024-122T12:00:00,5Z    2024-05-01
///
/// Digits beyond the millisecond are cut off. Returns nil for anything else; a leap second is none of the forms.
func iso8601(_ text: Span<UInt8>) -> (time: CivilTime, offset: Int?, hasTime: Bool)? {
  var time = CivilTime()
  guard let (isBasic, dateEnd) = isoDate(text, &time) else { return nil }
  if dateEnd == text.count { return (time, nil, false) }
  guard text[dateEnd] | 0x20 == 0x74 || text[dateEnd] == 0x20,
    let end = isoTimeOfDay(text, dateEnd + 1, isBasic: isBasic, &time), time.isValid
  else { return nil }
  if end == text.count { return (time, nil, true) }
  guard let offset = try? minutesFromUTC(text, end, assumingUTC: false) else { return nil }
  return (time, offset, true)
}

/// Reads the date at the beginning, and returns where it ends and whether it is in basic form, without hyphens.
private func isoDate(_ text: Span<UInt8>, _ time: inout CivilTime) -> (isBasic: Bool, end: Int)? {
  guard let year = digits(text, 0, 4), year > 0, text.count > 6 else { return nil }
  time.year = year
  let isBasic = text[4] != 0x2d
  let start = isBasic ? 4 : 5
  if text[start] == 0x57 {
    let dayAt = isBasic ? start + 3 : start + 4
    guard let week = digits(text, start + 1, 2), isBasic || (dayAt <= text.count && text[dayAt - 1] == 0x2d),
      let day = digits(text, dayAt, 1)
    else { return nil }
    return setWeek(week, day, &time) ? (isBasic, dayAt + 1) : nil
  }
  // So many digits stand together: three are the day of the year.
  var count = 0
  while start + count < text.count, text[start + count] &- 0x30 <= 9 { count += 1 }
  if count == 3 {
    guard let day = digits(text, start, 3), setDay(day, &time) else { return nil }
    return (isBasic, start + 3)
  }
  let dayAt = isBasic ? start + 2 : start + 3
  guard count == (isBasic ? 4 : 2), let month = digits(text, start, 2), dayAt < text.count, isBasic || text[dayAt - 1] == 0x2d,
    let day = digits(text, dayAt, 2)
  else { return nil }
  time.month = month
  time.day = day
  return time.isValid ? (isBasic, dayAt + 2) : nil
}

/// Reads the time of day, and returns where it ends.
private func isoTimeOfDay(_ text: Span<UInt8>, _ start: Int, isBasic: Bool, _ time: inout CivilTime) -> Int? {
  let gap = isBasic ? 0 : 1
  guard let hour = digits(text, start, 2), isBasic || (start + 2 < text.count && text[start + 2] == 0x3a),
    let minute = digits(text, start + 2 + gap, 2)
  else { return nil }
  time.hour = hour
  time.minute = minute
  var at = start + 4 + gap
  let hasSeconds = at < text.count && (isBasic ? text[at] &- 0x30 <= 9 : text[at] == 0x3a)
  guard hasSeconds else { return at }
  guard let second = digits(text, at + gap, 2) else { return nil }
  time.second = second
  at += 2 + gap
  guard at < text.count, text[at] == 0x2e || text[at] == 0x2c else { return at }
  guard let fraction = fraction(text, at + 1) else { return nil }
  time.millisecond = fraction.milliseconds
  return fraction.end
}

/// Sets the date to a day of a week: the first week of a year is the one with its first Thursday, and Monday is day 1.
private func setWeek(_ week: Int, _ day: Int, _ time: inout CivilTime) -> Bool {
  guard (1...53).contains(week), (1...7).contains(day) else { return false }
  // 1970-01-01 was a Thursday.
  func weekday(_ days: Int) -> Int { (days + 3) % 7 + 1 }
  func firstMonday(of year: Int) -> Int {
    let fourth = daysSinceEpoch(year, 1, 4)
    return fourth - (weekday(fourth) - 1)
  }
  let days = firstMonday(of: time.year) + (week - 1) * 7 + day - 1
  guard days >= 0, days - (day - 1) < firstMonday(of: time.year + 1) else { return false }
  return setDay(days - daysSinceEpoch(time.year, 1, 1) + 1, &time, mayLeaveYear: true)
}

/// Sets the date to the n-th day of its year, from 1; a week may begin in the year before or end in the one after.
private func setDay(_ number: Int, _ time: inout CivilTime, mayLeaveYear: Bool = false) -> Bool {
  var day = number
  var year = time.year
  func length(_ year: Int) -> Int { isLeap(year) ? 366 : 365 }
  guard mayLeaveYear || (1...length(year)).contains(day) else { return false }
  if day < 1 {
    year -= 1
    day += length(year)
  } else if day > length(year) {
    day -= length(year)
    year += 1
  }
  var month = 1
  while day > daysIn(month, year) {
    day -= daysIn(month, year)
    month += 1
  }
  time.year = year
  time.month = month
  time.day = day
  return true
}
