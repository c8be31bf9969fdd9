import Foundation
import Synchronization
import Testing

@testable import Pipeline

@Suite("Pieces in order")
struct PiecesInOrderTests {
  /// Starts threads that make pieces, a number's square each; returns what waits for all of them to end.
  private func start(_ pieces: PiecesInOrder<Int>, threads: Int, made: AtomicCount) -> DispatchSemaphore {
    let ended = DispatchSemaphore(value: 0)
    for _ in 0..<threads {
      Thread {
        while let number = pieces.next() {
          made.add()
          pieces.put(number * number, number)
        }
        ended.signal()
      }.start()
    }
    return ended
  }

  private final class AtomicCount: Sendable {
    private let count = Atomic(0)
    var value: Int { count.load(ordering: .sequentiallyConsistent) }
    func add() { count.add(1, ordering: .sequentiallyConsistent) }
  }

  @Test("however many threads make them, they are taken in order", arguments: [1, 2, 5], [1, 2, 7])
  func order(threads: Int, ahead: Int) {
    let pieces = PiecesInOrder<Int>(3..<200, ahead: ahead)
    let made = AtomicCount()
    let ended = start(pieces, threads: threads, made: made)
    for number in 3..<200 {
      #expect(pieces.take(number) == number * number)
      // One more may be begun for each that was taken.
      #expect(made.value <= number - 3 + 1 + ahead)
    }
    for _ in 0..<threads { ended.wait() }
    #expect(made.value == 197)
  }

  @Test("when no more are wanted every thread ends, whatever it waits for, and nothing is left behind", arguments: [0, 1, 5, 40])
  func abandoning(taken: Int) {
    let made = AtomicCount()
    var pieces: PiecesInOrder<Int>? = PiecesInOrder<Int>(0..<1_000_000, ahead: 3)
    let ended = start(pieces!, threads: 4, made: made)
    for number in 0..<taken { #expect(pieces!.take(number) == number * number) }
    pieces!.abandon()
    for _ in 0..<4 { ended.wait() }
    #expect(made.value < 1_000_000)
    pieces = nil
  }

  @Test("no numbers are no pieces")
  func nothing() {
    #expect(PiecesInOrder<Int>(5..<5, ahead: 2).next() == nil)
  }
}
