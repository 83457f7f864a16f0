public import MusterModel

/// Why evidence was not accepted. A value with a stable code; thrown only inside the module and returned as a `Result`.
public enum AttestationRefusal: Error, Sendable, Hashable {
  case ticketWrong
  case tooMuchHardware(found: Int)
  /// The device claims what only evidence can show.
  case claimOfProof(HardwareID.Kind)
  case chainEmpty
  case chainTooLong(found: Int)
  case certificateTooLarge(found: Int)
  case certificateUnreadable
  case noTrustAnchor
  /// No path from the leaf to a trust anchor holds.
  case untrusted
  case expired
  case notYetValid
  case isCA
  case keyUsage
  case extendedKeyUsage
  case noSerialNumber
  case serialNumberMalformed
  case certificateUnknown
  case certificateRevoked
  case certificateHeld
  /// The anchor is in several groups, and the caller named none.
  case ambiguousGroup
  /// An anchor that is no CA's.
  case notCA
  /// The order is another station's.
  case otherStation
  /// No key of the group made it.
  case tokenWrong
  case tokenExpired(at: Timestamp)
  case tokenLifetime(Timestamp)
  /// The first check of an appraisal that did not hold.
  case check(code: String, String)
  /// The endorsement key is on no allowlist.
  case endorsementKeyUnknown
  /// The challenge was answered, is over, or never was.
  case challengeOver
  /// Another evidence than was challenged.
  case otherEvidence
  /// The secret is not what the TPM was to open.
  case activationWrong
  /// The request is another key's than the certified one.
  case requestOfOtherKey

  /// Stable, in kebab-case.
  public var code: String {
    switch self {
    case .ticketWrong: "ticket-wrong"
    case .tooMuchHardware: "too-much-hardware"
    case .claimOfProof: "hardware-unproved"
    case .chainEmpty: "certificate-missing"
    case .chainTooLong: "certificate-chain-too-long"
    case .certificateTooLarge: "certificate-too-large"
    case .certificateUnreadable: "certificate-unreadable"
    case .noTrustAnchor, .untrusted: "certificate-untrusted"
    case .expired: "certificate-expired"
    case .notYetValid: "certificate-not-yet-valid"
    case .isCA: "certificate-is-ca"
    case .keyUsage, .extendedKeyUsage: "certificate-key-usage"
    case .noSerialNumber, .serialNumberMalformed: "certificate-serial-number"
    case .certificateUnknown: "certificate-unknown"
    case .ambiguousGroup: "group-ambiguous"
    case .notCA: "certificate-not-ca"
    case .otherStation: "station-other"
    case .tokenWrong: "token-wrong"
    case .tokenExpired: "token-expired"
    case .tokenLifetime: "token-lifetime"
    case .certificateRevoked: "certificate-revoked"
    case .certificateHeld: "certificate-held"
    case .check(let code, _): code
    case .endorsementKeyUnknown: "ek-untrusted"
    case .challengeOver: "attestation-over"
    case .otherEvidence: "attestation-other-evidence"
    case .activationWrong: "activation-wrong"
    case .requestOfOtherKey: "request-other-key"
    }
  }
}

extension AttestationRefusal: CustomStringConvertible {
  public var description: String {
    switch self {
    case .check(_, let text): text
    case .endorsementKeyUnknown: "expected an endorsement key on the allowlist, found one that is not"
    case .challengeOver: "expected an open challenge, found one that was answered, is over or never was"
    case .otherEvidence: "expected the evidence that was challenged, byte for byte, found another"
    case .activationWrong: "expected the secret that the TPM opens with TPM2_ActivateCredential, found another"
    case .requestOfOtherKey: "expected a request signed by the certified device key, found another's"
    case .tokenWrong: "expected a token by a key derived from its group's, found another"
    case .tokenExpired(let time): "expected a token in its time, found it over since \(time)"
    case .tokenLifetime(let time): "expected a token that ends within a day, found one until \(time)"
    case .otherStation: "expected the station that the order names, found another operator"
    case .ticketWrong: "expected the device ID and the code of one ticket, found another code or device ID"
    case .tooMuchHardware(let found):
      "expected at most \(AttestationResult.hardwareLimit) hardware IDs, found \(found)"
    case .claimOfProof(let kind): "expected evidence that proves a \(kind.rawValue), found the device's word"
    case .chainEmpty: "expected a client certificate, found none"
    case .chainTooLong(let found):
      "expected a chain of at most \(CertificateChain.lengthLimit) certificates, found \(found)"
    case .certificateTooLarge(let found):
      "expected certificates of at most \(CertificateChain.sizeLimit) bytes, found \(found)"
    case .certificateUnreadable: "expected certificates in DER, found something else"
    case .noTrustAnchor: "expected a group with a trust anchor, found none"
    case .untrusted: "expected a certificate under a trust anchor, found no valid path to one"
    case .expired: "expected a certificate in its validity, found one whose time is over"
    case .notYetValid: "expected a certificate in its validity, found one whose time has not come"
    case .isCA: "expected an end entity's certificate, found a CA's"
    case .keyUsage: "expected a key usage with digitalSignature, found one without"
    case .extendedKeyUsage: "expected an extended key usage with clientAuth, found one without"
    case .noSerialNumber: "expected exactly one serialNumber in the subject, found none or several"
    case .serialNumberMalformed: "expected a serialNumber of 1 to 64 of A-Z a-z 0-9 - _ ., found another"
    case .certificateUnknown: "expected a certificate that this instance issued, found another"
    case .certificateRevoked: "expected a certificate in force, found a revoked one"
    case .certificateHeld: "expected a certificate in force, found one on hold"
    case .ambiguousGroup: "expected a trust anchor of one group, found it in several: name the group by its EST label"
    case .notCA: "expected the version 3 certificate of a CA as trust anchor, found another"
    }
  }
}
