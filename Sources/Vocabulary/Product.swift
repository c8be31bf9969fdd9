/// What the program calls itself.
package enum Product {
  package static let name = "optireplay"
  /// Sent as `client_version`, and so part of what shapes bodies.
  package static let version = "0.1.0"
}
