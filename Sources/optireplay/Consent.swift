import Delivering
import Disk
import Foundation
import Pipeline
import Reporting
import Vocabulary

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Asks the person at the terminal before the first sending to one of the vendor's own servers, unless that is assumed. Where neither standard
/// input nor standard error is a terminal, as under cron, nobody is there to be asked, and the command itself is the word.
///
/// Question and answer go through the terminal itself, never through standard input, which may be the data.
func consent(assumed: Bool, _ stop: StopSwitch, _ voice: Voice) -> @Sendable (FirstSending) throws(RunFailure) -> Void {
  { first throws(RunFailure) in
    guard !assumed, isatty(0) == 1 || isatty(2) == 1 else { return }
    voice.terminal.clearProgress()
    let run = first.summary.run
    let wayOn =
      "nothing was sent. Everything is read and planned: the same command, or `optireplay resume \(run)`, asks again, with --yes it does "
      + "not ask, and `optireplay forget \(run) --pending` gives it up"
    let answer: String?
    do throws(DiskFailure) {
      answer = try Person.ask(first.summary.question(account: first.account)) { stop.isStopped }
    } catch {
      if stop.isStopped { throw RunFailure(.stopped, "stopped \(stop.reason) while asking; \(wayOn)") }
      throw RunFailure(
        .stopped,
        "run \(run) is the first of account \(first.account) to \(first.summary.endpoint), and nobody can be asked (\(error)); \(wayOn)")
    }
    guard let answer, answer.trimmingCharacters(in: .whitespaces).lowercased() == "yes" else {
      throw RunFailure(.stopped, "the answer was not yes; \(wayOn)")
    }
  }
}

/// Who sits at the terminal that the process was started from.
private enum Person {
  private static let terminal = "/dev/tty"

  /// Asks, and returns the line that is typed; nil when its end is typed instead (Ctrl-D). Throws when there is no such terminal, and when
  /// `isOver` says so meanwhile.
  static func ask(_ question: String, isOver: @escaping @Sendable () -> Bool) throws(DiskFailure) -> String? {
    var reader = try FileReader(path: terminal, patience: PipePatience(limit: nil, isOver: isOver))
    var writer = try FileWriter(path: terminal, appending: true)
    try writer.write(Array(question.utf8))
    var line: [UInt8] = []
    var byte: [UInt8] = [0]
    while try reader.read(into: &byte, from: 0) == 1 {
      if byte[0] == 0x0a { return String(decoding: line, as: UTF8.self) }
      line.append(byte[0])
    }
    try writer.write([0x0a])
    return nil
  }
}
