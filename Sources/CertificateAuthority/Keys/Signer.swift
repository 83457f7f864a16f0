/// Where a signing key lives: in software, a TPM, behind PKCS #11. Asynchronous because hardware is slow and serial.
public protocol Signer: Sendable {
  var publicKey: SubjectPublicKey { get }
  /// The algorithm of every signature that `sign` gives.
  var algorithm: SignatureAlgorithm { get }
  /// The signature of `bytes`, in the form that X.509 carries.
  func sign(_ bytes: [UInt8]) async throws -> [UInt8]
}

/// A key in this process's memory: it signs at once, on the caller's thread.
public protocol PromptSigner: Signer {
  func signature(of bytes: [UInt8]) throws -> [UInt8]
}

extension PromptSigner {
  public func sign(_ bytes: [UInt8]) async throws -> [UInt8] { try signature(of: bytes) }
}
