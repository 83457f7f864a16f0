public import MusterModel

/// By what a device without a key pair asks for the same again: 32 random bytes that it made, keeps, and sends with each
/// request. An enrollment binds to the first claim as it binds to the first public key, so that a ticket that was used
/// hands its keys to nobody else.
public struct EnrollmentClaim: Sendable {
  /// In bytes.
  public static let size = 32
  /// SHA-256("muster/key-claim/v1" ‖ the claim): what is on record of it.
  public let digest: Digest

  /// nil unless there are 32 bytes.
  public init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == EnrollmentClaim.size else { return nil }
    digest = Digest.sha256(Array("muster/key-claim/v1".utf8) + bytes)
  }
}
