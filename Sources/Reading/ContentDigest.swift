package import Bytes
internal import Disk

/// The digest of a whole input, taken as its bytes go by.
///
/// The input is cut into pieces of 64 KiB, whatever the sizes it is read in; each is hashed behind the digest of all before it:
///
///     first piece ─▶ digest ┐
///               second piece ┴▶ digest ┐
///                           third piece ┴▶ digest …
struct ContentDigest {
  private static let pieceBytes = 64 << 10
  private static let digestBytes = 16
  /// The digest of everything before the piece, and the piece as far as it is known.
  private var piece: [UInt8]

  init() {
    piece = []
    piece.reserveCapacity(Self.digestBytes + Self.pieceBytes)
    piece += [UInt8](repeating: 0, count: Self.digestBytes)
  }

  /// The digest of all bytes taken so far.
  var value: Digest { wideDigest(piece.span) }

  mutating func take(_ bytes: ArraySlice<UInt8>) {
    var rest = bytes
    while !rest.isEmpty {
      let room = Self.digestBytes + Self.pieceBytes - piece.count
      piece += rest.prefix(room)
      rest = rest.dropFirst(room)
      if piece.count == Self.digestBytes + Self.pieceBytes {
        let digest = value.bytes
        piece.removeAll(keepingCapacity: true)
        piece += digest
      }
    }
  }
}

/// The digest of a file's bytes: the same that a `BlockReader` has at the end of that file. Reads all of it.
package func fileDigest(_ path: String) throws(ReadFailure) -> Digest {
  do throws(DiskFailure) {
    var file = try FileReader(path: path)
    var digest = ContentDigest()
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = try file.read(into: &buffer, from: 0)
      digest.take(buffer[..<count])
      if count < buffer.count { return digest.value }
    }
  } catch {
    throw .disk(error)
  }
}
