import Normalizing
import Vocabulary

/// How often something was seen in rows while they were staged, and where first.
struct Sightings: Codable, Equatable, Sendable {
  struct Sighting: Codable, Equatable, Sendable {
    var count = 0
    /// The first in the order of inputs and rows, one of a row at most.
    var places: [RowPlace] = []
  }

  private var all: [String: Sighting] = [:]

  subscript(_ code: FindingCode) -> Sighting { all[code.rawValue] ?? Sighting() }

  /// Adds what was seen in a row. Rows of one worker come in their order.
  mutating func add(_ code: FindingCode, _ count: Int, at place: RowPlace) {
    guard count > 0 else { return }
    var sighting = self[code]
    sighting.count += count
    if sighting.places.count < Limits.findingSamples, sighting.places.last != place { sighting.places.append(place) }
    all[code.rawValue] = sighting
  }

  mutating func add(_ counts: ConversionCounts, at place: RowPlace) {
    add(.timestampGuessed, counts.guessedTimes, at: place)
    add(.timeAmbiguous, counts.ambiguousTimes, at: place)
    add(.amountRounded, counts.roundedAmounts, at: place)
  }

  /// Adds what another worker saw.
  mutating func add(_ others: Sightings) {
    for (code, other) in others.all {
      let sighting = all[code] ?? Sighting()
      let places = (sighting.places + other.places).sorted { ($0.input, $0.offset) < ($1.input, $1.offset) }
      all[code] = Sighting(count: sighting.count + other.count, places: Array(places.prefix(Limits.findingSamples)))
    }
  }
}
