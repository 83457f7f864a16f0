import MusterModel
import Policy

/// Reads a certificate that was just signed and holds each field to permit, profile, key and issuer. What is expected
/// is worked out here from the permit, and compared with what the DER says, not with what was meant to be written.
struct IssuedCheck {
  private let expected: UnsignedCertificate

  /// Whether the signature is verified too.
  private let isVerified: Bool

  init(_ expected: UnsignedCertificate, isVerified: Bool) {
    self.expected = expected
    self.isVerified = isVerified
  }

  /// Throws `CertificationError.differs` with the field at fault.
  func check(_ der: [UInt8]) throws(CertificationError) -> CertificateFields {
    let fields: CertificateFields
    do {
      fields = try CertificateFields(der)
      try checkFields(fields)
      try IssuedExtensionsCheck(expected).check(fields.extensions)
    } catch let error as CertificationError {
      throw error
    } catch {
      throw .differs("form: \(error)")
    }
    return fields
  }

  private func require(_ holds: Bool, _ what: String) throws(CertificationError) {
    guard holds else { throw .differs(what) }
  }

  private func checkFields(_ fields: CertificateFields) throws {
    let issuer = expected.issuer
    try require(fields.serial.elementsEqual(expected.identity.serial.bytes.drop { $0 == 0 }), "serial number")
    try require(fields.issuer.elementsEqual(issuer.name.der), "issuer")
    try require(fields.subjectPublicKeyInfo.elementsEqual(expected.key.der), "key")
    try require(fields.subject.elementsEqual(expectedSubject), "subject")
    try checkTimes(fields)
    try require(fields.signatureAlgorithm.elementsEqual(issuer.signer.algorithm.der), "signature algorithm")
    guard isVerified else { return }
    try require(
      issuer.publicKey.isValid(fields.signature, over: fields.signed, issuer.signer.algorithm), "signature")
  }

  private func checkTimes(_ fields: CertificateFields) throws(CertificationError) {
    let (profile, issuer, now) = (expected.profile, expected.issuer, expected.now.wholeSeconds)
    try require(fields.notBefore >= issuer.notBefore && fields.notAfter <= issuer.notAfter, "validity")
    try require(fields.notBefore == max(now - profile.backdating, issuer.notBefore), "notBefore")
    try require(fields.notAfter == min(now + profile.validity, issuer.notAfter), "notAfter")
  }

  private var commonName: String {
    switch expected.permit.subject {
    case .device(_, let id): id.text
    case .operator(_, let name), .hub(_, let name, _): name.text
    case .server(let names): names.first { $0.utf8.count <= 64 } ?? expected.issuer.points.trustDomain.name
    case .ocspResponder: "OCSP responder \(expected.issuer.keyID.prefix(16))"
    }
  }

  /// One relative name, one common name, as UTF8String.
  private var expectedSubject: [UInt8] {
    let text = Array(commonName.utf8)
    let count = UInt8(truncatingIfNeeded: text.count)
    return [0x30, count + 11, 0x31, count + 9, 0x30, count + 7, 0x06, 3, 0x55, 0x04, 0x03, 0x0c, count] + text
  }
}
