import ArgumentParser
import AsyncHTTPClient
import Foundation
import NIOCore
import NIOSSL

/// Which service, and as whom.
struct Connection: ParsableArguments {
  @Option(help: "The service's address, https://HOST:PORT (or MUSTER_SERVER).")
  var server: String?

  @Option(help: "The operator's certificate and key, PEM (or MUSTER_IDENTITY).", completion: .file())
  var identity: String?

  @Option(help: "The trust anchor, PEM (or MUSTER_CA); by default the one in the identity file.", completion: .file())
  var ca: String?

  /// Runs `body` with a client, and closes it.
  func withClient<Result>(_ body: (APIClient) async throws -> Result) async throws -> Result {
    let client = try APIClient(server: address(), tls: tls())
    do {
      let result = try await body(client)
      try await client.shutdown()
      return result
    } catch {
      try? await client.shutdown()
      throw error
    }
  }

  private func address() throws -> String {
    let text = server ?? environment("MUSTER_SERVER") ?? "https://127.0.0.1:8443"
    guard let url = URL(string: text), url.scheme == "https", url.host != nil else {
      throw CommandFailure("expected --server https://HOST:PORT, found \(text)", status: 2)
    }
    return text.hasSuffix("/") ? String(text.dropLast()) : text
  }

  func identityFile() throws -> String {
    guard let file = identity ?? environment("MUSTER_IDENTITY") else {
      throw CommandFailure("expected --identity FILE or MUSTER_IDENTITY: the operator's certificate and key", status: 2)
    }
    return file
  }

  private func tls() throws -> TLSConfiguration {
    let identity = try Identity(file: identityFile())
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.minimumTLSVersion = .tlsv12
    configuration.certificateChain = identity.chain.map { .certificate($0) }
    configuration.privateKey = .privateKey(identity.key)
    configuration.trustRoots = .certificates(try anchors(identity))
    return configuration
  }

  private func anchors(_ identity: Identity) throws -> [NIOSSLCertificate] {
    guard let file = ca ?? environment("MUSTER_CA") else {
      guard !identity.anchors.isEmpty else {
        throw CommandFailure("expected --ca FILE: the identity file holds no trust anchor", status: 2)
      }
      return identity.anchors
    }
    do {
      return try NIOSSLCertificate.fromPEMFile(file)
    } catch {
      throw CommandFailure("expected certificates in PEM in \(file), found none that can be read")
    }
  }
}

private func environment(_ name: String) -> String? {
  ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
}

/// An operator's file: the certificate, its issuer, the trust anchor, the private key.
private struct Identity {
  var chain: [NIOSSLCertificate] = []
  var anchors: [NIOSSLCertificate] = []
  let key: NIOSSLPrivateKey

  init(file: String) throws {
    guard FileManager.default.isReadableFile(atPath: file) else {
      throw CommandFailure("expected an identity file, found none that can be read at \(file)")
    }
    do {
      for certificate in try NIOSSLCertificate.fromPEMFile(file) {
        if try isSelfIssued(certificate.toDERBytes()) { anchors.append(certificate) } else { chain.append(certificate) }
      }
      key = try NIOSSLPrivateKey(file: file, format: .pem)
    } catch {
      throw CommandFailure("expected a certificate and its key in PEM in \(file), found something else")
    }
  }
}
