/// Where a signing key lives: in software, a TPM, behind PKCS #11. Asynchronous because hardware is slow and serial; a
/// software key answers without suspending.
public protocol Signer: Sendable {
  var publicKey: SubjectPublicKey { get }
  /// The algorithm of every signature that `sign` gives.
  var algorithm: SignatureAlgorithm { get }
  /// The signature of `bytes`, in the form that X.509 carries.
  func sign(_ bytes: [UInt8]) async throws -> [UInt8]
}
