/// A key certified by an attestation key of the same TPM (TPM2_Certify, TPM 2.0 Library part 3 §18.2), as a device or an
/// integrator hands it in. Nothing is checked yet.
public struct KeyAttestation: Sendable, Hashable {
  /// TPM2B_PUBLIC.
  public var akPublic: [UInt8]
  /// TPM2B_PUBLIC.
  public var keyPublic: [UInt8]
  /// TPMS_ATTEST.
  public var certifyInfo: [UInt8]
  /// TPMT_SIGNATURE.
  public var certifySignature: [UInt8]

  public init(akPublic: [UInt8], keyPublic: [UInt8], certifyInfo: [UInt8], certifySignature: [UInt8]) {
    self.akPublic = akPublic
    self.keyPublic = keyPublic
    self.certifyInfo = certifyInfo
    self.certifySignature = certifySignature
  }
}

/// A device key of which an attestation key says that it is in the same TPM. Only an appraisal makes one; whose TPM that
/// is, is not said by it.
public struct CertifiedKey: Sendable, Hashable {
  public let key: TPMPublic
  public let attestationKey: TPMPublic
  /// The device key's, DER.
  public let subjectPublicKeyInfo: [UInt8]
  /// As the TPM signed it.
  public let firmwareVersion: UInt64
  /// The attestation key's qualified name, as the TPM signed it: which keys it stands under.
  let qualifiedSigner: [UInt8]
}

extension KeyAttestation {
  /// Fewer bytes could be guessed or repeated (NIST SP 800-57 part 1 §5.6.1: 128 bits).
  public static let nonceMinimum = 16

  /// Holds the attestation to `nonce`, which the caller gave for this one time.
  public func appraise(nonce: [UInt8]) -> (appraisal: Appraisal, key: CertifiedKey?) {
    var appraisal = Appraisal()
    let attestationKey = appraisal.readKey(akPublic, .attestation)
    let key = appraisal.readKey(keyPublic, .device)
    let info = appraisal.read("certify info") { () throws(MalformedTPM) in try TPMAttest(certifyInfo) }
    if let info {
      appraisal.requireSignature(certifySignature, by: attestationKey, over: info, "certify signature")
      appraisal.requireNonce(nonce, in: info, "certify nonce")
      appraisal.requireCertified(key, by: info)
    }
    guard appraisal.isAccepted, let info, let attestationKey, let key, let verification = TPMVerificationKey(key.key)
    else {
      return (appraisal, nil)
    }
    return (
      appraisal,
      CertifiedKey(
        key: key, attestationKey: attestationKey, subjectPublicKeyInfo: verification.subjectPublicKeyInfo,
        firmwareVersion: info.firmwareVersion, qualifiedSigner: info.qualifiedSigner)
    )
  }
}

extension Appraisal {
  /// Reads a TPM2B_PUBLIC and holds it to its role; nil where it is none or breaks a rule.
  mutating func readKey(_ bytes: [UInt8], _ role: TPMKeyRole) -> TPMPublic? {
    let subject = "\(role.rawValue) key"
    guard let key = read(subject, { () throws(MalformedTPM) in try TPMPublic.parse(sized: bytes) }) else { return nil }
    let broken = key.broken(as: role)
    for rule in broken {
      add(subject, .refused(code: rule.rawValue, "expected \(rule.expected), found another"))
    }
    guard broken.isEmpty else { return nil }
    add(subject, .holds(key.summary))
    return key
  }

  mutating func requireSignature(
    _ bytes: [UInt8], by key: TPMPublic?, over info: TPMAttest, _ subject: String
  ) {
    guard let signature = read(subject, { () throws(MalformedTPM) in try TPMSignature(bytes) }) else { return }
    guard let key, let verification = TPMVerificationKey(key.key), let scheme = key.signingScheme else {
      return add(subject, .refused(code: "tpm-signature", "expected an accepted attestation key, found none"))
    }
    // A restricted key signs by the scheme it was made with: another is not the TPM's word.
    guard scheme == (signature.scheme, signature.hash) else {
      return add(
        subject,
        .refused(
          code: "tpm-signature-scheme",
          "expected \(scheme.scheme.name) with \(scheme.hash.name), "
            + "found \(signature.scheme.name) with \(signature.hash.name)"))
    }
    require(
      verification.isValid(signature, over: info.bytes), subject,
      "\(scheme.scheme.name) with \(scheme.hash.name), by the attestation key", else: "tpm-signature",
      "expected the attestation key's signature over these bytes, found another")
  }

  mutating func requireNonce(_ nonce: [UInt8], in info: TPMAttest, _ subject: String) {
    guard nonce.count >= KeyAttestation.nonceMinimum else {
      return add(
        subject,
        .refused(
          code: "nonce-short",
          "expected a nonce of at least \(KeyAttestation.nonceMinimum) bytes, found \(nonce.count)"))
    }
    require(
      info.extraData == nonce, subject, "\(nonce.count) bytes, exactly", else: "nonce-wrong",
      "expected the nonce as extraData, found \(info.extraData.isEmpty ? "none" : "other bytes")")
  }

  mutating func requireCertified(_ key: TPMPublic?, by info: TPMAttest) {
    guard case .certify(let name, _) = info.attested else {
      return add("certified name", .refused(code: "attest-type", "expected the attestation of a key, found a quote"))
    }
    require(
      key?.name == name, "certified name", "the device key's", else: "certified-name",
      "expected the device key's name, found another's")
  }
}

extension TPMPublic {
  /// One line for people.
  var summary: String {
    let scheme = signingScheme.map { ", \($0.scheme.name) with \($0.hash.name)" } ?? ""
    switch key {
    case .rsa(let bits, _, _): return "RSA \(bits)\(scheme)"
    case .ecc(let curve, _, _): return (TPMCurve(rawValue: curve) == .p384 ? "P-384" : "P-256") + scheme
    }
  }
}
