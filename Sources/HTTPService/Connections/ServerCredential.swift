public import MusterModel
import NIOCore
import NIOSSL
import Synchronization

/// The service's own certificate chain and key, as TLS needs them.
public struct ServerCredential: Sendable {
  let configuration: TLSConfiguration

  /// `chain` is DER, the leaf first, without the root; `key` is DER (PKCS #8 or SEC 1). Throws
  /// `ServerCredentialError` unless both can be read and belong together.
  public init(chain: [[UInt8]], key: SecretBytes) throws {
    do {
      let certificates = try chain.map { try NIOSSLCertificate(bytes: $0, format: .der) }
      let key = try key.withUnsafeBytes { try NIOSSLPrivateKey(bytes: Array($0), format: .der) }
      try self.init(certificates, key)
    } catch {
      throw ServerCredentialError(description: "expected a certificate chain and its key, found \(error)")
    }
  }

  /// The same from PEM texts (RFC 7468).
  public init(chainPEM: [UInt8], keyPEM: SecretBytes) throws {
    do {
      let certificates = try NIOSSLCertificate.fromPEMBytes(chainPEM)
      let key = try keyPEM.withUnsafeBytes { try NIOSSLPrivateKey(bytes: Array($0), format: .pem) }
      try self.init(certificates, key)
    } catch {
      throw ServerCredentialError(description: "expected a certificate chain and its key, found \(error)")
    }
  }

  private init(_ certificates: [NIOSSLCertificate], _ key: NIOSSLPrivateKey) throws {
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: certificates.map { .certificate($0) }, privateKey: .privateKey(key))
    configuration.minimumTLSVersion = .tlsv12
    configuration.cipherSuiteValues = ServerCredential.tls12Suites
    configuration.verifySignatureAlgorithms = ServerCredential.peerSignatures
    configuration.certificateVerification = .optionalVerification
    // Nothing is judged by these roots; the default would load the system's.
    configuration.trustRoots = .certificates([])
    configuration.applicationProtocols = ["h2", "http/1.1"]
    _ = try NIOSSLContext(configuration: configuration)
    self.configuration = configuration
  }

  /// Forward secrecy and authenticated encryption alone (RFC 9325 §4.2).
  private static let tls12Suites: [NIOTLSCipher] = [
    .TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, .TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    .TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, .TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    .TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, .TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
  ]

  /// What a client may sign with: every kind of key that is issued to, Ed25519 included, and those of makers. No SHA-1.
  private static let peerSignatures: [SignatureAlgorithm] = [
    .ecdsaSecp256R1Sha256, .ecdsaSecp384R1Sha384, .ecdsaSecp521R1Sha512, .ed25519,
    .rsaPssRsaeSha256, .rsaPssRsaeSha384, .rsaPssRsaeSha512,
    .rsaPkcs1Sha256, .rsaPkcs1Sha384, .rsaPkcs1Sha512,
  ]
}

public struct ServerCredentialError: Error, CustomStringConvertible, Sendable {
  public let description: String
}

/// The credential in force. New connections take what is there; standing ones keep theirs.
public final class CurrentCredential: Sendable {
  private let held: Mutex<ServerCredential>

  public init(_ credential: ServerCredential) { held = Mutex(credential) }

  public func replace(with credential: ServerCredential) { held.withLock { $0 = credential } }

  /// A context of the connection's own. What BoringSSL resumes sessions by lies in the context, and a resumed session
  /// neither calls the verification callback nor shows the intermediates: with a context each, none is ever resumed.
  func context() throws -> NIOSSLContext {
    try NIOSSLContext(configuration: held.withLock { $0 }.configuration)
  }
}
