/// Where bodies go: the vendor's two regions, a URL, or the built-in sandbox.
package enum Endpoint: Sendable, Hashable {
  case us
  case eu
  case sandbox
  case url(String)

  /// `us`, `eu`, `sandbox`, or an http or https URL; nil for anything else.
  package init?(_ text: String) {
    switch text {
    case "us": self = .us
    case "eu": self = .eu
    case "sandbox": self = .sandbox
    default:
      guard text.hasPrefix("https://") || text.hasPrefix("http://") else { return nil }
      self = .url(text)
    }
  }

  /// The name that runs, receipts and the ledger are kept under: a URL that is a region's own counts as that region.
  package var name: String {
    switch self {
    case .us: "us"
    case .eu: "eu"
    case .sandbox: "sandbox"
    case .url(let text):
      switch text {
      case Endpoint.us.address: "us"
      case Endpoint.eu.address: "eu"
      default: text
      }
    }
  }

  /// The address to POST to; nil for the sandbox, whose address is known when it listens. Source: OpenAPI 1.3.0, `servers`.
  package var address: String? {
    switch self {
    case .us: "https://logx.optimizely.com/v1/events"
    case .eu: "https://eu.logx.optimizely.com/v1/events"
    case .sandbox: nil
    case .url(let text): text
    }
  }
}
