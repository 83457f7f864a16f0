public import Crypto
public import MusterModel

/// The public key that a hub registered, to which the keys of its devices are sealed: P-256, as a SubjectPublicKeyInfo.
public struct SealKey: Sendable, Hashable {
  public let der: [UInt8]

  /// nil for what is no P-256 key in the one encoding that it has here: DER, the point uncompressed.
  public init?(der: some Collection<UInt8>) {
    self.init(try? P256.KeyAgreement.PublicKey(derRepresentation: Array(der)))
    guard der.elementsEqual(self.der) else { return nil }
  }

  /// The same from PEM (`PUBLIC KEY`). A private key is none.
  public init?(pem: String) { self.init(try? P256.KeyAgreement.PublicKey(pemRepresentation: pem)) }

  /// Of a pair that was made where it is used.
  public init(of key: P256.KeyAgreement.PrivateKey) { der = Array(key.publicKey.derRepresentation) }

  private init?(_ key: P256.KeyAgreement.PublicKey?) {
    guard let key else { return nil }
    der = Array(key.derRepresentation)
  }

  /// What it is called: SHA-256 of its DER.
  public var digest: MusterModel.Digest { .sha256(der) }

  func key() throws -> P256.KeyAgreement.PublicKey { try P256.KeyAgreement.PublicKey(derRepresentation: der) }
}
