import Foundation
package import Vocabulary

/// Throws 78 when no request can go to an address by this proxy, or trusting these authorities: the given ones, else the environment's.
/// Nothing is sent.
package func requireWay(to address: String, proxy: String?, caFile: String?) throws(RunFailure) {
  var settings = DeliverySettings(address: address, laneCount: 1, seed: 0, hasAcceptedBefore: false)
  (settings.proxy, settings.caFile) = (proxy, caFile)
  let route = try Route(settings, environment: ProcessInfo.processInfo.environment)
  if route.isSecure, let caFile = route.caFile { _ = try HTTPTransport.authorities(caFile) }
}
