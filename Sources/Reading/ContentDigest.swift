package import Bytes
internal import Disk

/// The digest of a file's bytes: the same that a `BlockReader` has at the end of that file. Reads all of it.
package func fileDigest(_ path: String) throws(ReadFailure) -> Digest {
  do throws(DiskFailure) {
    var file = try FileReader(path: path)
    var digest = WideDigest()
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    while true {
      let count = try file.read(into: &buffer, from: 0)
      digest.take(buffer.span.extracting(..<count))
      if count < buffer.count { return digest.value }
    }
  } catch {
    throw .disk(error)
  }
}
