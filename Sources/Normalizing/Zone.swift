internal import Foundation
import Vocabulary

/// A place's offsets from UTC over time. This machine's own zone is never asked for.
///
/// Memory: 16 bytes for each change of the clocks from 2001 to 2286, which is what a timestamp can say.
struct Zone: Sendable {
  let name: String
  /// When the clocks change, in epoch seconds, and the offset in seconds from then on; the first one from the beginning.
  private var changes: [Int64] = [.min]
  private var offsets: [Int64]

  static let utc = Zone(name: "UTC", offset: 0)

  private init(name: String, offset: Int64) {
    self.name = name
    offsets = [offset]
  }

  /// A zone by its name in the IANA's database (`Europe/Paris`), `UTC`, or a fixed offset (`+02:00`).
  init(_ name: String) throws(MappingFault) {
    if let offset = Zone.fixedOffset(name) {
      self.init(name: name, offset: offset)
      return
    }
    // Names without a place, such as EST or CST, are several zones or none with daylight saving. The list of known names leaves out some that
    // are as good, such as Asia/Kolkata.
    guard name.contains("/"), let zone = TimeZone(identifier: name) else {
      let places = TimeZone.knownTimeZoneIdentifiers.filter { $0.contains("/") }
      let last = places.first { $0.split(separator: "/").last?.lowercased() == name.lowercased().replacingOccurrences(of: " ", with: "_") }
      let hint = (last ?? closest(to: name, among: places)).map { "; the closest is \($0)" } ?? ""
      throw MappingFault(
        "\(name) is not a time zone: give a place as in Europe/Paris, UTC, or an offset as in +02:00\(hint)")
    }
    self.init(zone)
  }

  private init(_ zone: TimeZone) {
    func offset(_ seconds: Int64) -> Int64 { Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(seconds)))) }
    // From a day before the first second that can be said. No zone's clocks were changed and changed back within the step.
    let step: Int64 = 6 * 86_400
    var at = Limits.timestamps.lowerBound / 1000 - 2 * 86_400
    self.init(name: zone.identifier, offset: offset(at))
    let end = Limits.timestamps.upperBound / 1000 + 2 * 86_400
    while at < end {
      let next = at + step
      let found = offset(next)
      if found != offsets.last {
        // The first second with another offset than before.
        var low = at
        var high = next
        while high - low > 1 {
          let middle = low + (high - low) / 2
          if offset(middle) == offsets.last { low = middle } else { high = middle }
        }
        changes.append(high)
        offsets.append(offset(high))
        at = high
      } else {
        at = next
      }
    }
  }

  /// `UTC`, `GMT`, `Z`, `+02:00`, `-0530`, `+02`.
  private static func fixedOffset(_ name: String) -> Int64? {
    if ["UTC", "GMT", "Z"].contains(name) { return 0 }
    let bytes = Array(name.utf8)
    guard let first = bytes.first, first == 0x2b || first == 0x2d, bytes.count >= 3 else { return nil }
    guard let offset = try? minutesFromUTC(bytes.span, 0, assumingUTC: false) else { return nil }
    return Int64(offset) * 60
  }

  private func index(at seconds: Int64) -> Int {
    var low = 0
    var high = changes.count
    while low + 1 < high {
      let middle = (low + high) / 2
      if changes[middle] <= seconds { low = middle } else { high = middle }
    }
    return low
  }

  /// The epoch seconds at which the zone's clocks show `local` (seconds since 1970 by those clocks): nil when they never do, the earlier when
  /// they do twice.
  func instant(of local: Int64) -> (seconds: Int64, isAmbiguous: Bool)? {
    // No offset is as much as 15 hours, and changes may be a day.
    let last = index(at: local + 2 * 86_400)
    var at = index(at: local - 2 * 86_400)
    var found: Int64?
    var count = 0
    while at <= last {
      let instant = local - offsets[at]
      if instant >= changes[at], at + 1 == changes.count || instant < changes[at + 1] {
        if found == nil { found = instant }
        count += 1
      }
      at += 1
    }
    return found.map { ($0, count > 1) }
  }
}
