import Foundation

/// How many different hashes were added, within about one percent (HyperLogLog with 16,384 registers: Flajolet et al., 2007).
package struct DistinctEstimate: Sendable, Equatable {
  private static let bits = 14
  private var registers = [UInt8](repeating: 0, count: 1 << bits)

  private var isEmpty = true

  package init() {}

  /// Takes one of the hashes, whose bits must all be mixed.
  package mutating func add(_ hash: UInt64) {
    isEmpty = false
    let register = Int(hash >> UInt64(64 - DistinctEstimate.bits))
    let rest = hash << UInt64(DistinctEstimate.bits) | 1 << UInt64(DistinctEstimate.bits - 1)
    registers[register] = max(registers[register], UInt8(rest.leadingZeroBitCount + 1))
  }

  /// Takes all that another estimate was given.
  package mutating func merge(_ other: DistinctEstimate) {
    guard !other.isEmpty else { return }
    isEmpty = false
    for at in registers.indices { registers[at] = max(registers[at], other.registers[at]) }
  }

  package var count: Double {
    let m = Double(registers.count)
    let sum = registers.reduce(0.0) { $0 + 1 / Double(UInt64(1) << UInt64($1)) }
    let estimate = 0.7213 / (1 + 1.079 / m) * m * m / sum
    let empty = registers.count { $0 == 0 }
    guard estimate <= 2.5 * m, empty > 0 else { return estimate }
    return m * log(m / Double(empty))
  }
}
