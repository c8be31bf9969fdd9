/// A number of bytes, as flags and messages write it: `512MB`, `64KiB`, `3500000`.
package struct ByteCount: Sendable, Hashable {
  package let bytes: Int

  package init(_ bytes: Int) { self.bytes = bytes }

  /// Reads a whole number with an optional unit: B, KB, MB, GB (powers of 1000), KiB, MiB, GiB (powers of 1024), in any case.
  /// Returns nil for anything else, and for what does not fit.
  package init?(_ text: String) {
    let units: [(String, Int)] = [
      ("kib", 1 << 10), ("mib", 1 << 20), ("gib", 1 << 30), ("kb", 1000), ("mb", 1_000_000), ("gb", 1_000_000_000), ("b", 1),
    ]
    let lowered = text.lowercased()
    let unit = units.first { lowered.hasSuffix($0.0) } ?? ("", 1)
    let digits = lowered.dropLast(unit.0.count)
    guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && $0.isNumber }), let count = Int(digits) else { return nil }
    let (bytes, overflow) = count.multipliedReportingOverflow(by: unit.1)
    guard !overflow else { return nil }
    self.bytes = bytes
  }
}

extension ByteCount: CustomStringConvertible {
  /// At most one decimal, in powers of 1000: `3.5 MB`.
  package var description: String {
    let units = ["B", "KB", "MB", "GB", "TB"]
    var tenths = bytes.magnitude.multipliedReportingOverflow(by: 10).partialValue
    var unit = 0
    while tenths >= 10_000, unit < units.count - 1 {
      tenths /= 1000
      unit += 1
    }
    return tenths % 10 == 0 ? "\(tenths / 10) \(units[unit])" : "\(tenths / 10).\(tenths % 10) \(units[unit])"
  }
}
