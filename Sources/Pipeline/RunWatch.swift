internal import Delivering
package import Vocabulary

/// Watches over a run that nothing may hold up for ever: time and signs of life in, words out; no clock.
///
/// A run lives while its progress changes or the process computes: what is slow is left alone. One that does neither waits for something
/// outside, which is named after a minute and each time that the silence has doubled. After the stall limit it is ended from outside, since a
/// thread that the disk holds up cannot end it: a run can be killed at any moment and goes on from there.
package struct RunWatch: Sendable {
  package enum Word: Sendable, Equatable {
    /// Say this to a person.
    case tell(String)
    /// Stop the run in good order; the reason goes on after `stopped`.
    case stop(String)
    /// End the process at once.
    case end(RunFailure)
  }

  private let timeLimit: Duration?
  private let stallLimit: Duration?
  private let requestTimeLimit: Duration
  private let state: String

  private var progress: RunProgress?
  private var hasMoved = true
  private var lastLook: Duration?
  private var lastWork: Duration = .zero
  private var silence: Duration = .zero
  private var tellAt: Duration = .seconds(Limits.silenceSeconds)
  private var isStopped = false

  /// Looks should come at least this often; of a longer pause no more counts, for then this process was stopped or the machine slept.
  package static let interval: Duration = .seconds(1)
  /// What a process computes while it only waits, as a part of the time.
  private static let idleShare = 0.05
  /// What a run that was stopped may take to end.
  static let grace: Duration = .seconds(2 * Limits.drainSeconds)

  package init(_ options: RunOptions) {
    timeLimit = options.timeLimit
    stallLimit = options.stallLimit
    requestTimeLimit = options.requestTimeLimit
    state = options.state
  }

  package mutating func moved(to progress: RunProgress) {
    guard progress != self.progress else { return }
    self.progress = progress
    hasMoved = true
  }

  /// Looks at a time since the beginning, at which the process has computed for so long. The time limit takes the time as it is, and so
  /// counts that in which the process was stopped or the machine slept; silence does not.
  package mutating func look(at now: Duration, working work: Duration) -> [Word] {
    let elapsed = min(now - (lastLook ?? now), RunWatch.interval * 2)
    let isWorking = work - lastWork > elapsed * RunWatch.idleShare
    lastLook = now
    lastWork = work
    var words: [Word] = []
    if let timeLimit, now >= timeLimit {
      if !isStopped { words.append(.stop("after \(spoken(timeLimit)) (--time-limit)")) }
      isStopped = true
      if now >= timeLimit + RunWatch.grace {
        return words + [
          .end(
            RunFailure(
              .stopped,
              "the run did not end within \(spoken(RunWatch.grace)) after its --time-limit, \(waiting); it is ended as it stands; run the "
                + "same command again to go on"))
        ]
      }
    }
    // A person takes the time that a person takes.
    if hasMoved || isWorking || progress == .asking {
      hasMoved = false
      silence = .zero
      tellAt = .seconds(Limits.silenceSeconds)
      return words
    }
    silence += elapsed
    if let stallLimit, silence >= stallLimit + excused {
      return words + [
        .end(
          RunFailure(
            .diskTrouble,
            "nothing has moved for \(spoken(wholeSeconds)) and nothing is being computed, \(waiting); the run is ended as it stands; see whether "
              + "the disk answers and run the same command again to go on, or allow more with --stall-timeout"))
      ]
    }
    if silence >= tellAt + (holdUp ?? .zero) {
      tellAt = tellAt * 2
      words.append(.tell("nothing has moved for \(spoken(wholeSeconds)), \(waiting)"))
    }
    return words
  }

  /// Silence that has other limits of its own.
  private var excused: Duration {
    switch progress {
    // A pipe that brings nothing ends the run by itself, in words that fit better.
    case .staging(_, _, _, from: .some): .seconds(Limits.silenceSeconds)
    case .sending(let delivery, _): (delivery.inFlightCount > 0 ? requestTimeLimit : .zero) + (delivery.holdUp ?? .zero)
    case .staging, .planning, .asking, nil: .zero
    }
  }

  private var wholeSeconds: Duration { .seconds(silence.components.seconds) }

  private var holdUp: Duration? {
    if case .sending(let delivery, _) = progress { delivery.holdUp } else { nil }
  }

  /// Where the run stands, and for what.
  private var waiting: String {
    switch progress {
    case nil: "before anything was read; waiting for the disk under \(state)"
    case .staging(let bytes, _, _, from: .some(let input)): "while reading; waiting for \(input), behind \(ByteCount(bytes)) read so far"
    case .staging(let bytes, _, _, from: nil): "while staging what was read (\(ByteCount(bytes))); waiting for the disk under \(state)"
    case .planning(let count, let total): "while planning (\(count) of \(total) records); waiting for the disk under \(state)"
    case .asking: "while asking"
    case .sending(let delivery, let planned):
      "while sending (\(delivery.acceptedBodyCount) of \(planned.bodies) bodies accepted); waiting for "
        + (delivery.inFlightCount > 0 ? "the server, or for the disk under \(state) to keep its receipts" : "the disk under \(state)")
    }
  }
}
