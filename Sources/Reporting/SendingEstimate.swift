import Vocabulary

/// How long a plan takes to send.
package struct SendingEstimate: Sendable, Equatable {
  /// Where a pace is from.
  package enum Source: Sendable, Equatable {
    /// Somebody named it.
    case given
    /// An earlier run to the same endpoint went so.
    case run(Int64)
    /// Nobody knows it, and it stands for an example.
    case example
  }

  package var eventsPerSecond: Double
  package var source: Source

  package init(eventsPerSecond: Double, source: Source) {
    self.eventsPerSecond = eventsPerSecond
    self.source = source
  }

  /// The pace that stands for an example.
  package static let example = SendingEstimate(eventsPerSecond: 1000, source: .example)

  func seconds(for events: Int) -> Double { Double(events) / eventsPerSecond }

  /// The time in words, for so many events to an endpoint.
  func text(for events: Int, to endpoint: String) -> String {
    let time = ProgressLine.rough(seconds(for: events))
    let pace = eventsPerSecond >= 10 ? grouped(Int(min(1e15, eventsPerSecond.rounded()))) : "\(eventsPerSecond)"
    switch source {
    case .given: return "about \(time) to send at \(pace) events/s (--rate)"
    case .run(let run): return "about \(time) to send at \(pace) events/s, as run \(run) to \(endpoint) went"
    case .example:
      return
        "not known, since no run to \(endpoint) was long enough to measure; at \(pace) events/s it would be \(time) (--rate names another)"
    }
  }
}

extension RunSummary {
  /// The first rows and the events that they become, side by side, for people; nil when there are none. `rows` are the rows as they stand in
  /// their inputs. Visitor data: somebody asked for it.
  package func firstRowsText(_ rows: [SampleKey: SampleRow]) -> String? {
    if firstRows.isEmpty { return nil }
    return
      (["  first rows, and the events that they become:"]
      + firstRows.flatMap { place in ["    \(place.text)"] + CheckReport.sideBySide(place, rows).map { "  " + $0 } }).joined(
        separator: "\n")
  }
}
