public import MusterModel

/// The kinds of events that this room owns.
public enum AttestationEvents {
  public static let kinds: [EventKind] = [
    EventKind(AttestationChallenged.self), EventKind(AttestationFailed.self), EventKind(KeyAttested.self),
    EventKind(TPMMakersImported.self), EventKind(TPMMakersRemoved.self),
  ]
}

/// A TPM was given a challenge, which is open until it ends, is answered, or its time is over.
public struct AttestationChallenged: EventBody {
  public static let kind = "attestation-challenged"
  public let attestation: RecordID
  /// `TPMEvidence.digest`.
  public let evidence: Digest
  /// Base64url of 32 bytes.
  public let nonce: String
  /// SHA-256("muster/activation/v1" ‖ the secret).
  public let secret: Digest
  public let expires: Timestamp

  public struct Details: Codable, Hashable, Sendable {
    public let hardware: HardwareID
    public let source: String?

    public init(hardware: HardwareID, source: String?) {
      self.hardware = hardware
      self.source = source
    }
  }

  public init(attestation: RecordID, evidence: Digest, nonce: [UInt8], secret: Digest, expires: Timestamp) {
    self.attestation = attestation
    self.evidence = evidence
    self.nonce = Base64URL.encode(nonce)
    self.secret = secret
    self.expires = expires
  }
}

/// An answer did not hold, or what it asked for was refused: the challenge is over.
public struct AttestationFailed: EventBody {
  public static let kind = "attestation-failed"
  public let attestation: RecordID
  public let code: String

  public struct Details: Codable, Hashable, Sendable {
    public let reason: String
    public let source: String?

    public init(reason: String, source: String?) {
      self.reason = reason
      self.source = source
    }
  }

  public init(attestation: RecordID, code: String) {
    self.attestation = attestation
    self.code = code
  }
}

/// The key of a device was proved to be in a TPM; the challenge is over. What was shown is attached, so that anyone who has
/// it can appraise it again: the structures by their digests here.
public struct KeyAttested: EventBody {
  public static let kind = "key-attested"

  /// Digests of what is attached.
  public struct Shown: Codable, Hashable, Sendable {
    /// TPM2B_PUBLICs.
    public let ekPublic: Digest
    public let akPublic: Digest
    public let keyPublic: Digest
    /// TPMS_ATTEST and TPMT_SIGNATURE.
    public let certifyInfo: Digest
    public let certifySignature: Digest
    /// The maker's certificate, DER; nil where it is trusted by the allowlist.
    public let ekCertificate: Digest?
    /// Its issuers' that the device brought along; nil where it brought none.
    public let ekIssuers: [Digest]?
    /// What was shown of the registers: TPMS_ATTEST and TPMT_SIGNATURE of the quote, their values, the firmware's log.
    public let quote: Digest?
    public let quoteSignature: Digest?
    public let pcrValues: Digest?
    public let eventLog: Digest?
  }

  /// A register of the SHA-256 bank, as it was quoted.
  public struct Register: Codable, Hashable, Sendable {
    public let pcr: Int
    /// In hex.
    public let value: String

    public init(pcr: Int, value: Digest) {
      self.pcr = pcr
      self.value = value.hex
    }
  }

  public let attestation: RecordID
  public let device: RecordID
  /// The certificate that was issued for the key, now or when it was attested first.
  public let certificate: RecordID
  /// SHA-256 of the key's SubjectPublicKeyInfo.
  public let publicKey: Digest
  /// `TPMEndorsement`.
  public let endorsement: String
  /// Of the certificate by which it is trusted: SHA-256 of the anchor's DER, and whether its time was over and the policy
  /// accepted that; nil by the allowlist.
  public let anchor: Digest?
  public let isExpired: Bool?
  /// `TPMWeakness`, where the policy accepted one.
  public let weakness: String?
  /// Whether Secure Boot was on; nil where no event log showed it.
  public let secureBoot: Bool?
  public let shown: Shown

  public struct Details: Codable, Hashable, Sendable {
    public let hardware: HardwareID
    /// The attestation key's name, hex.
    public let attestationKey: String
    /// Hex, 16 digits.
    public let firmwareVersion: String
    /// The TPM's make as its certificate says it.
    public let make: String?
    /// Rising; nil where none was quoted.
    public let registers: [Register]?

    public init(
      hardware: HardwareID, attestationKey: String, firmwareVersion: String, make: String?, registers: [Register]?
    ) {
      self.hardware = hardware
      self.attestationKey = attestationKey
      self.firmwareVersion = firmwareVersion
      self.make = make
      self.registers = registers
    }
  }

  public init(
    attestation: RecordID, device: RecordID, certificate: RecordID, claims: TPMClaims, answer: TPMAnswer
  ) {
    self.attestation = attestation
    self.device = device
    self.certificate = certificate
    publicKey = claims.deviceKey
    endorsement = claims.endorsement.kind.rawValue
    anchor = claims.endorsement.certified?.anchor
    isExpired = claims.endorsement.certified?.isExpired
    weakness = claims.weakness?.name
    secureBoot = claims.boot?.secureBoot
    shown = Shown(
      ekPublic: .sha256(answer.evidence.ekPublic), akPublic: .sha256(answer.evidence.akPublic),
      keyPublic: .sha256(answer.evidence.keyPublic), certifyInfo: .sha256(answer.certifyInfo),
      certifySignature: .sha256(answer.certifySignature),
      ekCertificate: claims.endorsement.certified == nil ? nil : answer.evidence.ekCertificate.map { .sha256($0) },
      ekIssuers: claims.endorsement.certified == nil || answer.evidence.ekIssuers.isEmpty
        ? nil : answer.evidence.ekIssuers.map { .sha256($0) },
      quote: answer.quote.map { .sha256($0.info) }, quoteSignature: answer.quote.map { .sha256($0.signature) },
      pcrValues: answer.quote?.pcrValues.map { .sha256($0) }, eventLog: answer.quote?.eventLog.map { .sha256($0) })
  }
}

extension KeyAttested.Details {
  public init(_ claims: TPMClaims) {
    self.init(
      hardware: claims.hardware, attestationKey: Hex.encode(claims.attestationKey),
      firmwareVersion: Hex.encode(
        (0..<8).reversed().map { UInt8(truncatingIfNeeded: claims.firmwareVersion >> (8 * $0)) }),
      make: claims.endorsement.certified?.make.description,
      registers: claims.boot.map { boot in
        boot.values.sorted { $0.key < $1.key }.map { KeyAttested.Register(pcr: $0.key, value: $0.value) }
      })
  }
}

extension TPMAnswer {
  /// What is kept of a proved answer. The event log is large, and kept once: `withLog` where the answer enrolled.
  public func attachments(_ endorsement: Endorsement, withLog: Bool) -> [Attachment] {
    let certificates =
      endorsement.certified == nil ? [] : [evidence.ekCertificate].compactMap(\.self) + evidence.ekIssuers
    let shown = [evidence.ekPublic, evidence.akPublic, evidence.keyPublic, certifyInfo, certifySignature]
    let measured = [quote?.info, quote?.signature, quote?.pcrValues, withLog ? quote?.eventLog : nil]
    return (shown + certificates + measured.compactMap(\.self)).map { Attachment($0) }
  }
}
