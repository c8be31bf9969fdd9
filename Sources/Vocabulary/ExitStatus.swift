/// The exit statuses of the program; a promise to scripts and cron.
package enum ExitStatus: Int32, Sendable, CaseIterable {
  case complete = 0
  case tooManyRejects = 1
  case usage = 64
  case refused = 65
  case inputUnreadable = 66
  case notAnEventAPI = 69
  case bug = 70
  case locked = 73
  case diskTrouble = 74
  case stopped = 75
  case stagingDamaged = 76
  case configuration = 78

  /// What the status means, as `--help` and the README say it.
  package var meaning: String {
    switch self {
    case .complete: "complete, rejects within the allowance"
    case .tooManyRejects: "complete (every valid record accepted), rejects over the allowance"
    case .usage: "wrong usage"
    case .refused: "refused by the gate or a finding, nothing sent"
    case .inputUnreadable: "an input is missing or unreadable"
    case .notAnEventAPI: "the endpoint is not an Event API for us (401, 403, 404, a redirect, another 2xx)"
    case .bug: "a bug of ours"
    case .locked: "another process holds the state folder"
    case .diskTrouble: "disk trouble"
    case .stopped: "stopped and resumable (outage, retries used up, a stalled pipe, --time-limit, SIGTERM, SIGINT)"
    case .stagingDamaged: "staging is damaged and its inputs are gone or changed"
    case .configuration:
      "wrong configuration, also when the server refuses the very first body, or more than 100 events one by one (--max-refused)"
    }
  }
}

/// What ends a run early: the exit status and a message that says where, what, and what to do next.
package struct RunFailure: Error, Sendable, Equatable, CustomStringConvertible {
  package let status: ExitStatus
  package let message: String

  package init(_ status: ExitStatus, _ message: String) {
    self.status = status
    self.message = message
  }

  package var description: String { message }
}
