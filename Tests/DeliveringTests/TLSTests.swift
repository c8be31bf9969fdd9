import Foundation
import NIOSSL
import Testing
import Vocabulary

@testable import Delivering

@Suite("Over TLS on the loopback", .timeLimit(.minutes(5))) struct TLSTests {
  private func context(_ certificate: String) throws -> NIOSSLContext {
    try NIOSSLContext(
      configuration: .makeServerConfiguration(
        certificateChain: [.certificate(NIOSSLCertificate(bytes: Array(certificate.utf8), format: .pem))],
        privateKey: .privateKey(NIOSSLPrivateKey(bytes: Array(Self.key.utf8), format: .pem))))
  }

  private func deliver(to address: String, trusting certificate: String?, asSetting: Bool = true) async throws -> DeliveryReport {
    var settings = DeliverySettings.test(address, lanes: 2)
    settings.retryFor = .seconds(120)
    var environment: [String: String] = [:]
    let file = FileManager.default.temporaryDirectory.appending(path: "delivering-\(UUID().uuidString).pem")
    defer { try? FileManager.default.removeItem(at: file) }
    if let certificate {
      try Data(certificate.utf8).write(to: file)
      if asSetting { settings.caFile = file.path } else { environment["SSL_CERT_FILE"] = file.path }
    }
    return await Deliverer(settings: settings, environment: environment)
      .deliver(from: ListSource(bodies(10)), receipts: ReceiptBook(), stop: StopSwitch(), clock: SwiftClock()) { _ in }
  }

  @Test("a trusted server is delivered to, trusted by the setting or by SSL_CERT_FILE", arguments: [true, false])
  func trusted(asSetting: Bool) async throws {
    try await ScriptedServer.serving(tls: try context(Self.localhost)) { _ in
      .status(204)
    } while: { _, address in
      let report = try await deliver(to: address, trusting: Self.localhost, asSetting: asSetting)
      #expect(report.outcome == .complete)
    }
  }

  @Test("an untrusted certificate ends the run at once with 69", arguments: [nil, TLSTests.elsewhere])
  func untrusted(trusting: String?) async throws {
    try await ScriptedServer.serving(tls: try context(Self.localhost)) { _ in
      .status(204)
    } while: { server, address in
      let report = try await deliver(to: address, trusting: trusting)
      #expect(failure(of: report.outcome)?.status == .notAnEventAPI)
      #expect(
        failure(of: report.outcome)?.message.contains("the server's certificate is not trusted: no trusted authority") == true)
      #expect(report.retryCount == 0)
      #expect(server.requests.isEmpty)
    }
  }

  @Test("a trusted certificate for another host ends the run at once with 69") func otherHost() async throws {
    try await ScriptedServer.serving(tls: try context(Self.elsewhere)) { _ in
      .status(204)
    } while: { server, address in
      let report = try await deliver(to: address, trusting: Self.elsewhere)
      #expect(failure(of: report.outcome)?.status == .notAnEventAPI)
      #expect(failure(of: report.outcome)?.message.contains("another host name") == true)
      #expect(report.retryCount == 0)
      #expect(server.requests.isEmpty)
    }
  }

  @Test("a server that speaks no TLS is retried, and named as such in the end") func plainServer() async throws {
    try await ScriptedServer.serving { _ in
      .status(204)
    } while: { _, address in
      let secure = address.replacing("http://127.0.0.1", with: "https://localhost")
      let report = try await deliver(to: secure, trusting: nil)
      #expect(failure(of: report.outcome)?.status == .stopped)
      #expect(failure(of: report.outcome)?.message.contains("the server does not speak TLS on this port") == true)
      #expect(report.retryCount > 0)
    }
  }

  @Test("a file without certificates is a wrong configuration", arguments: ["", "not a certificate"])
  func badFile(text: String) async throws {
    let report = try await deliver(to: "https://localhost:1/", trusting: text)
    #expect(failure(of: report.outcome)?.status == .configuration)
    #expect(report.requestCount == 0)
  }

  // Self-signed for these tests only, valid from 2020 to 2119; both with the same key.
  private static let localhost = """
    -----BEGIN CERTIFICATE-----
    MIIBdDCCARqgAwIBAgIUHWzYshsXoed49qTWOZQlmuJeAxgwCgYIKoZIzj0EAwIw
    FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTIwMDEwMTAwMDAwMFoYDzIxMTkwMTAx
    MDAwMDAwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
    PQMBBwNCAAR4yIQuv2bzbwfc2UySrY6lpvG+hBo4JOE3j7jqv9FcVbZEJMFhkc8d
    Y7JW8zf0T9AgWeROqNcxHEE7qQOLVMBjo0gwRjAUBgNVHREEDTALgglsb2NhbGhv
    c3QwDwYDVR0TAQH/BAUwAwEB/zAdBgNVHQ4EFgQUAiMo9elK8rx2UTdpTmBkdosg
    ejkwCgYIKoZIzj0EAwIDSAAwRQIhAJygiWu9H7S4np6ZgSO1OQgKJwRAnf1ezY78
    BDzSjj39AiBjv9lsk4De4ZeGDzdlpLTnesmn5RJYR4xsEvn0nFMyGw==
    -----END CERTIFICATE-----
    """
  private static let elsewhere = """
    -----BEGIN CERTIFICATE-----
    MIIBjDCCATKgAwIBAgIUdUn05bYpUcC8fWN6pCtq0B7SF3MwCgYIKoZIzj0EAwIw
    HDEaMBgGA1UEAwwRZWxzZXdoZXJlLmV4YW1wbGUwIBcNMjAwMTAxMDAwMDAwWhgP
    MjExOTAxMDEwMDAwMDBaMBwxGjAYBgNVBAMMEWVsc2V3aGVyZS5leGFtcGxlMFkw
    EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeMiELr9m828H3NlMkq2OpabxvoQaOCTh
    N4+46r/RXFW2RCTBYZHPHWOyVvM39E/QIFnkTqjXMRxBO6kDi1TAY6NQME4wHAYD
    VR0RBBUwE4IRZWxzZXdoZXJlLmV4YW1wbGUwDwYDVR0TAQH/BAUwAwEB/zAdBgNV
    HQ4EFgQUAiMo9elK8rx2UTdpTmBkdosgejkwCgYIKoZIzj0EAwIDSAAwRQIgNXpC
    cOmTVW5Q7lV7uo9cLjFYeJmuEwnxbkdvi/e0oAoCIQCHsCoiwVkTdibHkTbWcN/u
    1WSxSuWQPyyXmziaaZUelA==
    -----END CERTIFICATE-----
    """
  private static let key = """
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgj7/Ut7D2juzPQ6QW
    /kVf8M0tLrmKrIdhtnYKYNQm3CChRANCAAR4yIQuv2bzbwfc2UySrY6lpvG+hBo4
    JOE3j7jqv9FcVbZEJMFhkc8dY7JW8zf0T9AgWeROqNcxHEE7qQOLVMBj
    -----END PRIVATE KEY-----
    """
}
