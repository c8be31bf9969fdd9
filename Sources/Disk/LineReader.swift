import Bytes

/// Reads a text file of ours line by line, however long the lines are.
///
/// Memory: the longest line, and 1 MiB.
package struct LineReader: ~Copyable {
  private var file: FileReader
  private var buffer = [UInt8](repeating: 0, count: 1 << 20)
  private var start = 0
  private var end = 0

  package init(path: String) throws(DiskFailure) { file = try FileReader(path: path) }

  /// The next line without its line feed; nil at the end of the file.
  package mutating func next() throws(DiskFailure) -> [UInt8]? {
    var searched = start
    while true {
      if let lineEnd = firstIndex(of: 0x0a, in: buffer.span.extracting(..<end), from: searched) {
        return take(upTo: lineEnd, next: lineEnd + 1)
      }
      searched = end - start
      guard try fill() else { return end > start ? take(upTo: end, next: end) : nil }
    }
  }

  private mutating func take(upTo lineEnd: Int, next: Int) -> [UInt8] {
    let line = copy(buffer.span.extracting(start..<lineEnd))
    start = next
    return line
  }

  /// Reads on behind what is waiting. Returns false at the end of the file.
  private mutating func fill() throws(DiskFailure) -> Bool {
    if start > 0 {
      buffer.removeSubrange(0..<start)
      end -= start
      start = 0
    }
    let room = max(1 << 20, end)
    buffer.append(contentsOf: repeatElement(0, count: max(0, end + room - buffer.count)))
    let got = try file.read(into: &buffer, from: end)
    end += got
    return got > 0
  }
}
