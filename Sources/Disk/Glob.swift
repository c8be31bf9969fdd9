#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Whether a path, or a part of one, is a pattern: has characters that stand for others.
package func isPattern(_ path: some StringProtocol) -> Bool { path.contains { "*?[".contains($0) } }

extension Folder {
  /// The paths that a shell pattern matches, sorted by their bytes: `exports/*.csv`. Empty when none does.
  package static func matches(_ pattern: String) -> [String] {
    var found = unsafe glob_t()
    // SAFETY: `glob` fills the structure, which is freed below in every case.
    defer { unsafe globfree(&found) }
    guard unsafe glob(pattern, GLOB_NOSORT, nil, &found) == 0 else { return [] }
    var paths: [String] = []
    // SAFETY: after success `gl_pathv` holds `gl_pathc` C strings.
    for at in 0..<Int(unsafe found.gl_pathc) { paths.append(unsafe String(cString: found.gl_pathv[at]!)) }
    return paths.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
  }
}
