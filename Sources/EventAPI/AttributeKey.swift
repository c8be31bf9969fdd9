import Bytes
import Vocabulary

/// Whether the server takes the attribute key: 1 to 64 of `[a-zA-Z0-9_\- .]`, or one of the vendor's own, which begin with `$opt_`.
package func isAttributeKey(_ key: Span<UInt8>) -> Bool {
  guard !key.isEmpty, key.count <= Limits.attributeKeyCharacters else { return false }
  let start = key.count > 5 && same(key.extracting(0..<5), "$opt_") ? 5 : 0
  for at in start..<key.count {
    switch key[at] {
    case 0x20, 0x2d, 0x2e, 0x5f, 0x30...0x39, 0x41...0x5a, 0x61...0x7a: continue
    default: return false
    }
  }
  return true
}
