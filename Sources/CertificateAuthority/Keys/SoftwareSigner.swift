import Crypto
public import MusterModel

/// A signing key in memory: P-256 with SHA-256, or P-384 with SHA-384.
public struct SoftwareSigner: PromptSigner {
  public enum Curve: Sendable { case p256, p384 }

  private enum Key: Sendable {
    case p256(P256.Signing.PrivateKey)
    case p384(P384.Signing.PrivateKey)
  }

  private let key: Key
  public let publicKey: SubjectPublicKey
  public let algorithm: SignatureAlgorithm

  /// `scalar` is the private key as FIPS 186-5 has it: 32 or 48 bytes, most significant first.
  public init(_ curve: Curve, scalar: SecretBytes) throws {
    switch curve {
    case .p256: try self.init(.p256(scalar.withUnsafeBytes { try P256.Signing.PrivateKey(rawRepresentation: $0) }))
    case .p384: try self.init(.p384(scalar.withUnsafeBytes { try P384.Signing.PrivateKey(rawRepresentation: $0) }))
    }
  }

  private init(_ key: Key) throws {
    self.key = key
    switch key {
    case .p256(let key):
      publicKey = try SubjectPublicKey.check(key.publicKey.derRepresentation, blocked: .none).get()
      algorithm = .ecdsaWithSHA256
    case .p384(let key):
      publicKey = try SubjectPublicKey.check(key.publicKey.derRepresentation, blocked: .none).get()
      algorithm = .ecdsaWithSHA384
    }
  }

  /// A new key by the system's generator: the scalar to be sealed, and the signer over it.
  public static func generate(_ curve: Curve) throws -> (scalar: SecretBytes, signer: SoftwareSigner) {
    let key: Key =
      switch curve {
      case .p256: .p256(P256.Signing.PrivateKey())
      case .p384: .p384(P384.Signing.PrivateKey())
      }
    var raw =
      switch key {
      case .p256(let key): key.rawRepresentation
      case .p384(let key): key.rawRepresentation
      }
    defer { raw.resetBytes(in: raw.indices) }
    return (SecretBytes(copying: raw), try SoftwareSigner(key))
  }

  private func digest<Hash: HashFunction>(_ bytes: [UInt8], by _: Hash.Type) -> Hash.Digest {
    var hash = Hash()
    bytes.withUnsafeBytes { hash.update(bufferPointer: $0) }
    return hash.finalize()
  }

  public func signature(of bytes: [UInt8]) throws -> [UInt8] {
    switch key {
    case .p256(let key): Array(try key.signature(for: digest(bytes, by: SHA256.self)).derRepresentation)
    case .p384(let key): Array(try key.signature(for: digest(bytes, by: SHA384.self)).derRepresentation)
    }
  }
}
