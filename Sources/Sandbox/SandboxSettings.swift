package import Counting
import Vocabulary

/// How the sandbox listens, where it keeps what it accepts, and the trouble it makes on demand.
package struct SandboxSettings: Sendable {
  package var host = "127.0.0.1"
  /// 0 takes any port that is free.
  package var port = 0
  /// The database file; created when there is none.
  package var storePath: String
  /// A body of more bytes is answered 413.
  package var bodyLimit = Limits.bodyBytes
  /// Bodies that are in memory at a time, each of the largest size; of smaller ones as many more. Others wait unread.
  package var bodiesAtATime = 4
  /// Threads that judge bodies. Each keeps a body's events in memory, about half its size, and for other senders' bodies their
  /// records too, which are about twice its size.
  package var judgeCount = 2
  /// How long a body may take to come in, however it trickles; one that stops coming is given up sooner.
  package var bodyTimeLimit: Duration = .seconds(600)
  package var faults = SandboxFaults.none
  /// What `/` shows; without, it says in words what there is.
  package var page: SandboxPage?
  /// What `/faults` shows, where trouble is seen and set; without, there is no such path.
  package var faultsPage: SandboxFaultsPage?

  package init(storePath: String) { self.storePath = storePath }
}

/// A page that is made from results when it is asked for.
package struct SandboxPage: Sendable {
  /// Its Content-Security-Policy.
  package var policy: String
  package var html: @Sendable (Results, ResultDetails) -> String

  package init(policy: String, html: @escaping @Sendable (Results, ResultDetails) -> String) {
    self.policy = policy
    self.html = html
  }
}

/// A page that shows a form when it is asked for.
package struct SandboxFaultsPage: Sendable {
  /// Its Content-Security-Policy.
  package var policy: String
  package var html: @Sendable (FaultForm) -> String

  package init(policy: String, html: @escaping @Sendable (FaultForm) -> String) {
    self.policy = policy
    self.html = html
  }
}
