public import MusterModel

/// What a TPM is asked: to open a secret that is for its endorsement key and attestation key together, and to certify the
/// device key over a nonce.
public struct TPMChallenge: Sendable, Hashable {
  /// In bytes, of the nonce and of the secret.
  public static let size = 32
  public static let lifetime = Duration.seconds(300)

  public let nonce: [UInt8]
  /// The secret's digest; the secret itself is in `credential` alone.
  public let secret: Digest
  public let credential: ActivationCredential

  /// Random, for a TPM whose keys are what they must be.
  public static func make(for shown: ShownTPM) -> Result<TPMChallenge, AttestationRefusal> {
    let secret = SecretBytes.random(count: size)
    let nonce = SecretBytes.random(count: size).withUnsafeBytes { Array($0) }
    guard let name = shown.attestationKey.name,
      let credential = ActivationCredential(secret, for: name, under: shown.endorsementKey)
    else { return .failure(.check(code: "ek-kind", "expected an endorsement key that decrypts, found another")) }
    return .success(TPMChallenge(nonce: nonce, secret: digest(of: secret), credential: credential))
  }

  /// SHA-256("muster/activation/v1" ‖ the secret): what is on record of it. It is random, and so not guessed from that.
  static func digest(of secret: SecretBytes) -> Digest {
    secret.withUnsafeBytes { Digest.sha256(Array("muster/activation/v1".utf8) + Array($0)) }
  }
}

/// A challenge that waits for its answer, as it is on record.
public struct OpenChallenge: Sendable, Hashable {
  public let record: RecordID
  /// `TPMEvidence.digest` of what was challenged.
  public let evidence: Digest
  public let nonce: [UInt8]
  public let secret: Digest
  public let expires: Timestamp

  public init(record: RecordID, evidence: Digest, nonce: [UInt8], secret: Digest, expires: Timestamp) {
    self.record = record
    self.evidence = evidence
    self.nonce = nonce
    self.secret = secret
    self.expires = expires
  }
}

/// What comes back, with the evidence once more.
public struct TPMAnswer: Sendable {
  public let evidence: TPMEvidence
  /// What TPM2_ActivateCredential gave.
  public let secret: SecretBytes
  /// TPMS_ATTEST.
  public let certifyInfo: [UInt8]
  /// TPMT_SIGNATURE.
  public let certifySignature: [UInt8]
  /// Over the same nonce; nil where none was made.
  public let quote: Quote?

  public init(
    evidence: TPMEvidence, secret: SecretBytes, certifyInfo: [UInt8], certifySignature: [UInt8], quote: Quote? = nil
  ) {
    self.evidence = evidence
    self.secret = secret
    self.certifyInfo = certifyInfo
    self.certifySignature = certifySignature
    self.quote = quote
  }
}
