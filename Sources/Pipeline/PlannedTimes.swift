import Vocabulary

/// The records that were judged, by the times of their events.
struct PlannedTimes: Codable, Equatable {
  struct Piece: Codable, Equatable {
    /// Its first day, in days since 1970-01-01.
    var day: Int
    var read = 0
    var known = 0
    var planned = 0
  }

  var unit: TimeUnit
  /// Those that have records, in order.
  var pieces: [Piece]

  init(_ tally: PlanTally) {
    var all = tally.newDays
    all.append(tally.knownDays)
    all.append(tally.otherDays)
    let unit = TimeUnit.finest(all, atMost: Limits.shownTimes)
    var pieces: [Int: Piece] = [:]
    func add(_ days: DayCounts, _ body: (inout Piece, Int) -> Void) {
      days.each { day, count in
        let start = unit.start(of: day)
        body(&pieces[start, default: Piece(day: start)], count)
      }
    }
    add(all) { $0.read += $1 }
    add(tally.knownDays) { $0.known += $1 }
    add(tally.newDays) { $0.planned += $1 }
    self.unit = unit
    self.pieces = pieces.values.sorted { $0.day < $1.day }
  }
}
