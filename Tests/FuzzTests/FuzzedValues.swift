import Bytes
import Foundation
import Oracles
import Synchronization
import Vocabulary

@testable import Normalizing

private func written(_ append: (inout ByteArena) throws -> Void) rethrows -> [UInt8] {
  var arena = ByteArena(limit: 1 << 22)
  try append(&arena)
  return copy(arena.span)
}

/// Any text, escaped, is a JSON string that stands for it; what the grammar takes for a string stands for what the system's reader says.
func feedEscapes(_ input: inout Input) throws {
  let bytes = input.rest()
  let quoted = [0x22] + bytes + [0x22]
  var parser = JSONParser(depthLimit: 8)
  var tape = RowTape()
  let isString = oracleAccepts(quoted, depthLimit: 8)
  try expect(((try? parser.parse(quoted.span, into: &tape)) != nil) == isString, "the parser takes another string than the grammar does")
  // Both check the grammar alone; that it is UTF-8 is checked before.
  guard String(validating: bytes, as: UTF8.self) != nil else { return }
  let escaped = written { $0.append(escaping: bytes.span) }
  let text = [0x22] + escaped + [0x22]
  try expect(oracleAccepts(text, depthLimit: 8), "escaped, it is no JSON string")
  try expect((try? parser.parse(text.span, into: &tape)) != nil, "escaped, the parser does not take it")
  try expect(written { $0.append(unescaping: escaped.span) } == bytes, "escaped and unescaped, it is another text")
  guard isString else { return }
  let plain = written { $0.append(unescaping: bytes.span) }
  let system = try JSONSerialization.jsonObject(with: Data([0x5b] + quoted + [0x5d])) as? [String]
  try expect(system.map { $0.map { Array($0.utf8) } } == [plain], "it stands for \(shown(plain)), and the system says \(system ?? [])")
}

// MARK: timestamps

/// Milliseconds since 1970 of a date and a time of day, counted year by year and month by month.
private func slowMilliseconds(_ year: Int, _ month: Int, _ day: Int, _ hour: Int, _ minute: Int, _ second: Int, _ millisecond: Int) -> Int {
  func isLeap(_ year: Int) -> Bool { year % 400 == 0 || (year % 4 == 0 && year % 100 != 0) }
  var days = day - 1
  for year in min(year, 1970)..<max(year, 1970) { days += (year < 1970 ? -1 : 1) * (isLeap(year) ? 366 : 365) }
  for month in 1..<month { days += [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] }
  return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + millisecond
}

/// Year, month, day, hour, minute, second, millisecond, and the offset's sign, hours and minutes. Made once: that takes long.
private let isoForm = Mutex(/(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{3})\d*)?(?:Z|([+\-])(\d\d):(\d\d))/)

/// What the most usual form of ISO 8601 says, by the system's expressions; nil when it is in another form.
private func slowISO(_ text: String) -> Int? {
  // Expressions are slow, and most texts have another form.
  let bytes = Array(text.utf8.prefix(20))
  guard bytes.count == 20, bytes[4] == 0x2d, bytes[7] == 0x2d, bytes[10] == 0x54, bytes[13] == 0x3a, bytes[16] == 0x3a else { return nil }
  // Other digits than ASCII's are none.
  guard text.utf8.count == text.count, let match = isoForm.withLock({ text.wholeMatch(of: $0)?.output })
  else { return nil }
  let numbers = [match.1, match.2, match.3, match.4, match.5, match.6].map { Int($0)! }
  let lengths = [
    31, numbers[0] % 400 == 0 || (numbers[0] % 4 == 0 && numbers[0] % 100 != 0) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31,
  ]
  guard numbers[0] > 0, (1...12).contains(numbers[1]), (1...lengths[numbers[1] - 1]).contains(numbers[2]), numbers[3] < 24, numbers[4] < 60,
    numbers[5] < 60
  else { return nil }
  var offset = 0
  if let sign = match.8, let hours = match.9.flatMap({ Int($0) }), let minutes = match.10.flatMap({ Int($0) }) {
    guard hours <= 18, minutes < 60 else { return nil }
    offset = (hours * 60 + minutes) * (sign == "-" ? -60_000 : 60_000)
  }
  let millisecond = match.7.flatMap { Int($0) } ?? 0
  return slowMilliseconds(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5], millisecond) - offset
}

/// The places' changes of clocks take long to look up, so they come rarely; the readers of named forms are kept.
private let zones: [String?] =
  [nil, "UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "+05:45", "-0930"]
  + (0..<24).map { $0 % 2 == 0 ? nil : "UTC" }
private let readers = Mutex<[String: TimeReader]>([:])

private func reader(_ name: String, _ zone: String?) -> TimeReader? {
  let isKept = TimeFormat.named.contains { $0.name == name } && zones.contains(zone)
  let key = "\(name) \(zone ?? "-")"
  if isKept, let reader = readers.withLock({ $0[key] }) { return reader }
  guard let reader = try? TimeReader(TimeFormat(name), zone: zone) else { return nil }
  if isKept { readers.withLock { $0[key] = reader } }
  return reader
}

/// A time of any form, pattern and zone is read or refused, within the limits; the usual form is what the slow reader says, and what was read
/// reads the same when it is written again.
func feedTimestamps(_ input: inout Input) throws {
  let names = TimeFormat.named.map(\.name)
  let at = input.choice(below: names.count + 2)
  var zone = input.pick(zones)
  if input.choice(below: 64) == 7 { zone = String(decoding: input.line(), as: UTF8.self) }
  let name = at < names.count ? names[at] : String(decoding: input.line(), as: UTF8.self)
  let bytes = input.rest()
  let text = String(decoding: bytes, as: UTF8.self)
  if let slow = slowISO(text), Limits.timestamps.contains(Int64(slow)) {
    try expect((try? epochMilliseconds(bytes.span, assumingUTC: false)) == Int64(slow), "\(text) is not \(slow) as a native time")
    if let reader = reader("iso8601", zone) {
      try expect((try? reader.read(bytes.span).milliseconds) == Int64(slow), "\(text) is not \(slow) as ISO 8601")
    }
  }
  for isUTC in [false, true] {
    guard let time = try? epochMilliseconds(bytes.span, assumingUTC: isUTC) else { continue }
    try expect(Limits.timestamps.contains(time), "a native time lies outside of the limits")
    try expectAgain(time)
  }
  guard let reader = reader(name, zone) else { return }
  guard let reading = try? reader.read(bytes.span) else { return }
  try expect(Limits.timestamps.contains(reading.milliseconds), "\(name) in \(zone ?? "no zone"): a time outside of the limits")
  try expectAgain(reading.milliseconds)
}

private func expectAgain(_ time: Int64) throws {
  let date = Date(timeIntervalSince1970: Double(time / 1000))
  let seconds = date.formatted(Date.ISO8601FormatStyle())
  let millisecond = String(String(time % 1000 + 1000).dropFirst())
  let text = Array((seconds.dropLast() + ".\(millisecond)Z").utf8)
  try expect((try? epochMilliseconds(text.span, assumingUTC: false)) == time, "\(time), written as \(shown(text)), is another time")
  let digits = Array(String(time).utf8)
  try expect(
    (try? reader("epoch_milliseconds", nil)?.read(digits.span).milliseconds) == time, "\(time) is another time in digits")
}

// MARK: money

/// What an amount is in hundredths, by moving the point of its text: nil when it is none, or one that must be refused.
private func slowAmount(_ text: String, _ format: MoneyFormat) -> String? {
  var whole = Substring(text)
  let isNegative = whole.hasPrefix("-")
  if isNegative || whole.hasPrefix("+") { whole = whole.dropFirst() }
  let parts = whole.split(separator: Character(format.number.decimal), maxSplits: 1, omittingEmptySubsequences: false)
  guard parts.count == 1 || !parts[1].isEmpty else { return nil }
  var groups = [parts[0]]
  if let group = format.number.group { groups = parts[0].split(separator: Character(group), omittingEmptySubsequences: false) }
  guard groups.count == 1 || ((1...3).contains(groups[0].count) && groups.dropFirst().allSatisfy { $0.count == 3 }) else { return nil }
  let before = groups.joined()
  let behind = parts.count == 2 ? String(parts[1]) : ""
  guard !before.isEmpty, (before + behind).utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), behind.count <= 38 else { return nil }
  let shift = format.unit == .major ? 2 : 2 - format.exponent
  guard (before + behind).drop(while: { $0 == "0" }).count <= 38 else { return nil }
  // Enough zeros on both sides, so that there is a digit wherever the point comes to stand.
  let digits = String(repeating: "0", count: 50) + before + behind + String(repeating: "0", count: 50)
  let point = 50 + before.count + shift
  var kept = Array(digits.utf8.prefix(point))
  let cut = Array(digits.utf8.dropFirst(point))
  if cut.contains(where: { $0 != 0x30 }) {
    let half = [0x35] + [UInt8](repeating: 0x30, count: cut.count - 1)
    let isHalf = cut == half
    let isMore = cut[0] >= 0x35 && !isHalf
    switch format.rounding {
    case .reject: return nil
    case .halfUp: if isMore || isHalf { increment(&kept) }
    case .halfEven: if isMore || (isHalf && kept.last! % 2 == 1) { increment(&kept) }
    }
  }
  let number = String(decoding: kept.drop { $0 == 0x30 }, as: UTF8.self)
  let result = number.isEmpty ? "0" : (isNegative ? "-" : "") + number
  return Int64(result) == nil ? nil : result
}

private func increment(_ digits: inout [UInt8]) {
  var at = digits.count - 1
  while digits[at] == 0x39 {
    digits[at] = 0x30
    at -= 1
  }
  digits[at] += 1
}

/// An amount in any form is what moving the point of its text gives, however it is rounded, and is refused where that is none.
func feedMoney(_ input: inout Input) throws {
  let number = NumberFormat(decimal: input.pick(NumberFormat.decimals), group: input.pick([nil] + NumberFormat.groups))
  let format = MoneyFormat(
    unit: input.pick(MoneyFormat.Unit.allCases), exponent: input.choice(below: 8), number: number,
    rounding: input.pick(MoneyFormat.Rounding.allCases))
  let bytes = input.rest()
  let text = String(decoding: bytes, as: UTF8.self)
  if let decimal = ExactDecimal(bytes.span) {
    for places in [-6, -3, 0, 2, 3, 38] { _ = decimal.whole(movingPoint: places, .towardsPast) }
    _ = decimal.times(86_400_000)
    try expect(decimal.compared(with: decimal) ?? 0 == 0, "a number is not equal to itself")
  }
  guard let reader = try? MoneyReader(format) else { return }
  var arena = ByteArena(limit: 1 << 12)
  arena.append(0x78)
  let isRead = (try? reader.append(bytes.span, into: &arena)) != nil
  let found = isRead ? String(Bytes.text(arena.span).dropFirst()) : nil
  try expect(isRead || arena.count == 1, "what was refused left something behind")
  if let found { try expect(String(Int64(found) ?? 0) == found, "\(found) is no whole number in its plain form") }
  // White space and currencies say nothing about the amount.
  guard String(validating: bytes, as: UTF8.self) != nil else { return }
  let slow = slowAmount(withoutCurrency(text), format)
  try expect(found == slow, "\(text) is \(found ?? "refused") instead of \(slow ?? "refused") by \(format)")
}
