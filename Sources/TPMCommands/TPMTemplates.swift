/// The public areas that keys are made by (TPMT_PUBLIC, TPM 2.0 Library part 2 §12.2.4).
enum TPMTemplate {
  private static let aes128CFB: [UInt8] = [0x00, 0x06, 0x00, 0x80, 0x00, 0x43]
  private static let null: [UInt8] = [0x00, 0x10]
  private static let p256: [UInt8] = [0x00, 0x03]
  private static let zeros32 = sized([UInt8](repeating: 0, count: 32))

  /// PolicySecret with the endorsement hierarchy's authorisation (TCG EK Credential Profile §B.6.2).
  private static let endorsementPolicy: [UInt8] = [
    0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24,
    0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa,
  ]

  /// fixedTPM, fixedParent, sensitiveDataOrigin.
  private static let own: UInt32 = 1 << 1 | 1 << 4 | 1 << 5
  private static let userWithAuth: UInt32 = 1 << 6
  private static let adminWithPolicy: UInt32 = 1 << 7
  /// A wrong password of others locks nothing out: the key has none.
  private static let noDA: UInt32 = 1 << 10
  private static let restricted: UInt32 = 1 << 16
  private static let decrypt: UInt32 = 1 << 17
  private static let sign: UInt32 = 1 << 18

  private static func area(_ type: UInt16, _ attributes: UInt32, policy: [UInt8] = [], _ rest: [UInt8]) -> [UInt8] {
    be(type) + [0x00, 0x0b] + be(attributes) + sized(policy) + rest
  }

  /// Template L-1: RSA 2048 (§B.3.3).
  static let endorsementRSA = area(
    0x0001, own | adminWithPolicy | restricted | decrypt, policy: endorsementPolicy,
    aes128CFB + null + [0x08, 0x00, 0, 0, 0, 0] + sized([UInt8](repeating: 0, count: 256)))

  /// Template L-2: P-256 (§B.3.4).
  static let endorsementECC = area(
    0x0023, own | adminWithPolicy | restricted | decrypt, policy: endorsementPolicy,
    aes128CFB + null + p256 + null + zeros32 + zeros32)

  /// A primary key of the endorsement hierarchy: made again it is the same, so that nothing of it is kept. It signs by
  /// ECDSA with SHA-256 what the TPM says of itself.
  static let attestation = area(
    0x0023, own | userWithAuth | noDA | restricted | sign,
    null + [0x00, 0x18, 0x00, 0x0b] + p256 + null + [0, 0, 0, 0])

  /// The storage key under which the device key lies: the one that a key file with TPM_RH_OWNER as its parent means (ASN.1
  /// Specification for TPM 2.0 Key Files §3.1.8), so that tpm2-openssl makes the same.
  static let storage = area(
    0x0023, own | userWithAuth | noDA | restricted | decrypt, aes128CFB + null + p256 + null + [0, 0, 0, 0])

  /// A sealed object: given back under its policy alone, never by a password. `isGuessed` where a wrong PIN is to count.
  static func sealed(policy: [UInt8], isGuessed: Bool) -> [UInt8] {
    area(0x0008, 1 << 1 | 1 << 4 | (isGuessed ? 0 : noDA), policy: policy, null + [0, 0])
  }

  /// P-256: it signs whatever it is given.
  static let device = area(0x0023, own | userWithAuth | noDA | sign, null + null + p256 + null + [0, 0, 0, 0])
}

/// The kinds of endorsement keys, and where their makers leave certificates of them (TCG EK Credential Profile §2.2.1).
public enum EndorsementKind: String, Sendable, CaseIterable {
  case rsa, ecc

  var template: [UInt8] { self == .rsa ? TPMTemplate.endorsementRSA : TPMTemplate.endorsementECC }
  package var certificateIndex: UInt32 { self == .rsa ? 0x01c0_0002 : 0x01c0_000a }
}
