import Dispatch
import Synchronization
import Vocabulary

/// Pieces of work with numbers 0, 1, 2, …: several threads make them, at most `ahead` more than were taken, and one takes them in order.
final class PiecesInOrder<Piece: Sendable>: Sendable {
  private struct State {
    var next: Int
    var made: [Int: Piece] = [:]
    var isAbandoned = false
  }

  private let end: Int
  private let state: Mutex<State>
  /// It begins at zero and is raised, because one that ends lower than it began stops the program.
  private let room = DispatchSemaphore(value: 0)
  private let news = DispatchSemaphore(value: 0)

  /// The pieces of a range of numbers.
  init(_ numbers: Range<Int>, ahead: Int) {
    state = Mutex(State(next: numbers.lowerBound))
    end = numbers.upperBound
    for _ in 0..<ahead { room.signal() }
  }

  /// The number of the piece to make next, once there is room for it; nil when there is none.
  func next() -> Int? {
    room.wait()
    let number: Int? = state.withLock { state in
      guard state.next < end, !state.isAbandoned else { return nil }
      defer { state.next += 1 }
      return state.next
    }
    // The next thread that asks shall learn of the end too.
    if number == nil { room.signal() }
    return number
  }

  /// Hands in a piece.
  func put(_ piece: Piece, _ number: Int) {
    state.withLock { $0.made[number] = piece }
    news.signal()
  }

  /// Waits for the piece with the number; to be called once for each, in order.
  func take(_ number: Int) -> Piece {
    while true {
      if let piece = state.withLock({ $0.made.removeValue(forKey: number) }) {
        room.signal()
        return piece
      }
      news.wait()
    }
  }

  /// Says that no more pieces are wanted.
  func abandon() {
    state.withLock { $0.isAbandoned = true }
    room.signal()
  }
}
