import Foundation

/// Text that a browser shows as it is, whatever is in it.
enum Markup {
  /// The text with all that could end it written as references. Characters that no page may hold are shown as �.
  static func escaped(_ text: String) -> String { escaped(text, keepsLines: false) }

  /// The same, with the line ends of a text that has lines.
  static func lines(_ text: String) -> String { escaped(text, keepsLines: true) }

  private static func escaped(_ text: String, keepsLines: Bool) -> String {
    var shown = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": shown += "&amp;"
      case "<": shown += "&lt;"
      case ">": shown += "&gt;"
      case "\"": shown += "&quot;"
      case "'": shown += "&#39;"
      default:
        let isControl = scalar.properties.generalCategory == .control && !(keepsLines && scalar == "\n")
        shown.unicodeScalars.append(isControl ? "\u{fffd}" : scalar)
      }
    }
    return shown
  }

  /// A name from the input: what cannot be seen is written out, writing directions end with it, and a long one is cut.
  static func name(_ text: String) -> String { ReportText.name(ReportText.short(text)) }

  /// A number as it is counted, in the attribute, and as people read it.
  static func number(_ field: String, _ value: String, _ shown: String) -> String {
    "<data class=\"\(field)\" value=\"\(escaped(value))\">\(escaped(shown))</data>"
  }

  static func number(_ field: String, _ value: Int) -> String { number(field, "\(value)", signed(grouped(value))) }

  /// Hundredths of the currency unit, shown as units with two decimals.
  static func money(_ field: String, _ hundredths: Int64) -> String {
    number(field, "\(hundredths)", units(hundredths))
  }

  static func units(_ hundredths: Int64) -> String {
    let part = hundredths.magnitude % 100
    let whole = grouped(Int(hundredths.magnitude / 100))
    return (hundredths < 0 ? "−" : "") + whole + (part < 10 ? ".0" : ".") + "\(part)"
  }

  /// Hundredths of the currency unit for each of a number of visitors.
  static func money(_ hundredths: Int64, per count: Int) -> String {
    count == 0 ? "–" : decimal(Double(hundredths) / 100 / Double(count), 2)
  }

  /// With so many decimals, digits in groups; what is too large for that is shown with an exponent.
  static func decimal(_ value: Double, _ decimals: Int) -> String {
    guard value.magnitude < 1e15 else { return signed("\(value)") }
    let digits = String(format: "%.\(decimals)f", value.magnitude)
    let parts = digits.split(separator: ".")
    let shown = ([grouped(Int(parts[0])!)] + parts.dropFirst().map(String.init)).joined(separator: ".")
    // What is rounded to nothing has no sign.
    return value < 0 && digits.contains { $0 != "0" && $0 != "." } ? "−" + shown : shown
  }

  /// A place in a picture.
  static func plain(_ value: Double) -> String { String(format: "%.1f", value) }

  static func percent(_ share: Double) -> String { decimal(share * 100, 2) + "\u{a0}%" }

  /// A change with its sign, in percent or percentage points.
  static func change(_ share: Double, _ unit: String = "") -> String { plus(decimal(share * 100, 2)) + unit }

  /// A change of hundredths of the currency unit, in units.
  static func moneyChange(_ hundredths: Double) -> String { plus(decimal(hundredths / 100, 2)) }

  private static func plus(_ shown: String) -> String { (shown.hasPrefix("−") || shown == "0.00" ? "" : "+") + shown }

  static func probability(_ value: Double) -> String { value < 0.0001 ? "below 0.0001" : decimal(value, 4) }

  private static func signed(_ text: String) -> String { text.hasPrefix("-") ? "−" + text.dropFirst() : text }
}
