import Bytes
import Vocabulary

/// What a text says about a point in time.
struct TimeReading: Sendable, Equatable {
  var milliseconds: Int64
  /// The zone's clocks showed it twice; this is the earlier.
  package var isAmbiguous = false
  /// Its unit was told by its magnitude, and is not milliseconds.
  package var isGuessed = false
}

/// Reads times as a mapping says that they are written. No machine's zone is ever looked at.
struct TimeReader: Sendable {
  private let format: TimeFormat
  private let zone: Zone?
  private let pattern: TimePattern?

  /// `zone` is for times that give no offset: a place (`Europe/Paris`), `UTC`, or an offset. Throws what cannot be done.
  init(_ format: TimeFormat, zone: String?) throws(MappingFault) {
    self.format = format
    readsMilliseconds = format == .native || format == .epoch(.milliseconds) || format == .anyEpoch
    self.zone = try zone.map(Zone.init)
    if case .pattern(let text) = format { pattern = try TimePattern(text) } else { pattern = nil }
    switch format {
    case .epoch, .anyEpoch:
      if zone != nil { throw MappingFault("epoch times have no zone; leave out zone, or name another format") }
    case .spreadsheet, .spreadsheet1904:
      if zone == nil { throw MappingFault("a spreadsheet's times have no zone of their own; say which one, as in zone: UTC") }
    case .pattern:
      if zone == nil, pattern?.hasOffset != true {
        throw MappingFault(
          "times in the form \(format.name) give no offset from UTC; say their zone, as in zone: Europe/Paris, or zone: UTC")
      }
    case .native, .iso8601: break
    }
  }

  /// Whether 13 digits are epoch milliseconds.
  let readsMilliseconds: Bool

  /// Native times that are UTC when they give no offset.
  static let utc = TimeReader(native: .utc)

  private init(native zone: Zone) {
    format = .native
    readsMilliseconds = true
    self.zone = zone
    pattern = nil
  }

  /// The epoch milliseconds that the text stands for. Digits beyond the millisecond are cut off, towards the past.
  func read(_ text: Span<UInt8>) throws(TimestampFault) -> TimeReading {
    let reading: TimeReading
    switch format {
    case .native:
      if let zone {
        reading = try isoOrEpoch(text, zone)
      } else {
        return TimeReading(milliseconds: try epochMilliseconds(text, assumingUTC: false))
      }
    case .iso8601: reading = try iso(text)
    case .epoch(let unit): reading = TimeReading(milliseconds: try epoch(text, unit))
    case .anyEpoch: reading = try guessed(text)
    case .pattern(let form):
      guard let (time, offset) = pattern?.read(text) else { throw .otherForm(form) }
      reading = try resolve(time, offset)
    case .spreadsheet: reading = try spreadsheet(text, firstDay: -25_569)
    case .spreadsheet1904: reading = try spreadsheet(text, firstDay: -24_107)
    }
    guard Limits.timestamps.contains(reading.milliseconds) else { throw .range }
    return reading
  }

  /// Native times whose zone is known need no offset.
  private func isoOrEpoch(_ text: Span<UInt8>, _ zone: Zone) throws(TimestampFault) -> TimeReading {
    if wholeNumber(text) != nil { return TimeReading(milliseconds: try epochMilliseconds(text, assumingUTC: false)) }
    return try iso(text)
  }

  private func iso(_ text: Span<UInt8>) throws(TimestampFault) -> TimeReading {
    guard let (time, offset, hasTime) = iso8601(text) else { throw .otherForm("ISO 8601") }
    guard hasTime || zone != nil else { throw .noOffset }
    return try resolve(time, offset)
  }

  /// An offset in the text says more than the zone of all.
  private func resolve(_ time: CivilTime, _ offset: Int?) throws(TimestampFault) -> TimeReading {
    if let offset { return TimeReading(milliseconds: (time.seconds - Int64(offset) * 60) * 1000 + Int64(time.millisecond)) }
    guard let zone else { throw .noOffset }
    guard let (seconds, isAmbiguous) = zone.instant(of: time.seconds) else { throw .skipped(zone: zone.name) }
    return TimeReading(milliseconds: seconds * 1000 + Int64(time.millisecond), isAmbiguous: isAmbiguous)
  }

  /// A decimal count without exponent.
  private func epoch(_ text: Span<UInt8>, _ unit: EpochUnit) throws(TimestampFault) -> Int64 {
    if unit == .milliseconds, let number = thirteenDigits(text) { return number }
    if unit == .seconds, text.count <= 11, let number = wholeNumber(text) { return number * 1000 }
    guard let decimal = ExactDecimal(text) else { throw .otherForm("epoch \(unit.rawValue)") }
    guard let milliseconds = decimal.whole(movingPoint: unit.exponent, .towardsPast) else { throw .range }
    return milliseconds.value
  }

  private func guessed(_ text: Span<UInt8>) throws(TimestampFault) -> TimeReading {
    guard let decimal = ExactDecimal(text), !decimal.isNegative else { throw .otherForm("epoch time") }
    let unit: EpochUnit
    // What has as many digits before its point as any time from 2001 to 2286 has in the unit.
    switch decimal.wholeDigits {
    case 10: unit = .seconds
    case 13: unit = .milliseconds
    case 16: unit = .microseconds
    case 19: unit = .nanoseconds
    default: throw .range
    }
    return TimeReading(milliseconds: try epoch(text, unit), isGuessed: unit != .milliseconds)
  }

  /// Days with a fraction of a day, from day 0 of the calendar, which lies so many days after 1970-01-01; to the nearest millisecond.
  private func spreadsheet(_ text: Span<UInt8>, firstDay: Int64) throws(TimestampFault) -> TimeReading {
    guard let decimal = ExactDecimal(text), !decimal.isNegative, let milliseconds = decimal.times(86_400_000) else {
      throw .otherForm("a spreadsheet's count of days")
    }
    let local = firstDay * 86_400_000 + milliseconds
    guard let zone, let (seconds, isAmbiguous) = zone.instant(of: local / 1000) else { throw .skipped(zone: zone?.name ?? "") }
    return TimeReading(milliseconds: seconds * 1000 + local % 1000, isAmbiguous: isAmbiguous)
  }
}
