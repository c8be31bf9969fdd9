package import Disk
package import Vocabulary

/// Why an input cannot be read at all: where, what, and what to do next.
package enum ReadFailure: Error, Sendable, Equatable, CustomStringConvertible {
  /// Missing, a folder, not permitted, or trouble while reading.
  case disk(DiskFailure)
  /// Not rows of text: what it is, and what to do with it.
  case notText(path: String, message: String)
  /// Packed, and not as it was written; `byte` is where in the packed file.
  case packed(path: String, byte: Int, message: String)
  /// The first row does not name the columns, or does not say how many there are.
  case header(path: String, line: Int, message: String)
  /// What divides rows and cells does not go together.
  case dialect

  package var description: String {
    switch self {
    case .disk(let failure): "\(inputName(failure.path)): \(failure.message)"
    case .notText(let path, let message): "\(inputName(path)): \(message)"
    case .packed(let path, let byte, let message): "\(inputName(path)): packed byte \(byte): \(message)"
    case .header(let path, let line, let message): "\(inputName(path)):\(line): \(message)"
    case .dialect:
      "the delimiter, the quote and the comment character must be different ASCII characters, none of which ends a line, nor a digit "
        + "where there is no header, and lines to skip 0 or more; change --delimiter or --quote, or what was given for these"
    }
  }

  /// How the failure ends a run: 66 for what cannot be read, 75 for a pipe that brings nothing, 65 for a header, 64 for the flags.
  package var runFailure: RunFailure {
    switch self {
    // A pipe that brings nothing may bring something another time.
    case .disk(let failure) where failure.kind == .stalled: RunFailure(.stopped, description)
    case .disk, .notText, .packed: RunFailure(.inputUnreadable, description)
    case .header: RunFailure(.refused, description)
    case .dialect: RunFailure(.usage, description)
    }
  }
}

/// An input as messages call it.
func inputName(_ path: String) -> String { path == "-" ? "standard input" : visibleName(path) }
