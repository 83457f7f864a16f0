public import MusterModel

/// An issuing CA's key as it is made: P-256.
public struct IssuingKey: Sendable {
  public let signer: any Signer
  /// To be sealed: the private scalar, or what finds the key where it is kept.
  public let secret: SecretBytes

  public init(signer: any Signer, secret: SecretBytes) {
    self.signer = signer
    self.secret = secret
  }

  /// In this process's memory, by the system's generator.
  public static func software() throws -> IssuingKey {
    let (scalar, signer) = try SoftwareSigner.generate(.p256)
    return IssuingKey(signer: signer, secret: scalar)
  }
}
