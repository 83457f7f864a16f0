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
  func check(_ der: [UInt8]) throws(CertificationError) -> CertificateContents {
    let contents: CertificateContents
    do {
      contents = try CertificateContents(der)
      try checkFields(contents)
      try checkExtensions(contents)
    } catch let error as CertificationError {
      throw error
    } catch {
      throw .differs("form: \(error)")
    }
    return contents
  }

  private func require(_ holds: Bool, _ what: String) throws(CertificationError) {
    guard holds else { throw .differs(what) }
  }

  private func checkFields(_ contents: CertificateContents) throws {
    let issuer = expected.issuer
    let serial = expected.identity.serial.bytes.drop { $0 == 0 }
    try require(contents.serial.elementsEqual(serial), "serial number")
    try require(contents.issuer == issuer.name.der, "issuer")
    try require(contents.subjectPublicKeyInfo == expected.key.der, "key")
    try require(contents.subject == expectedSubject, "subject")
    try checkTimes(contents)
    try require(contents.signatureAlgorithm == issuer.signer.algorithm.der, "signature algorithm")
    guard isVerified else { return }
    try require(
      issuer.publicKey.isValid(contents.signature, over: contents.signed, issuer.signer.algorithm), "signature")
  }

  private func checkTimes(_ contents: CertificateContents) throws(CertificationError) {
    let (profile, issuer, now) = (expected.profile, expected.issuer, expected.now.wholeSeconds)
    try require(contents.notBefore >= issuer.notBefore && contents.notAfter <= issuer.notAfter, "validity")
    try require(contents.notBefore == max(now - profile.backdating, issuer.notBefore), "notBefore")
    try require(contents.notAfter == min(now + profile.validity, issuer.notAfter), "notAfter")
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

  private var expectedNames: [GeneralName] {
    let domain = expected.issuer.points.trustDomain.name
    var names: [GeneralName] = []
    for kind in expected.profile.alternativeNames {
      switch (kind, expected.permit.subject) {
      case (.spiffeID, .device(_, let id)): names.append(.uri("spiffe://\(domain)/device/\(id.text)"))
      case (.spiffeID, .operator(let id, _)): names.append(.uri("spiffe://\(domain)/operator/\(id)"))
      case (.spiffeID, .hub(let id, _, _)): names.append(.uri("spiffe://\(domain)/hub/\(id)"))
      case (.certificateName, _): names.append(.dns(Hex.encode(expected.identity.serial.bytes) + ".cert." + domain))
      case (.hostNames, .hub(_, _, let host)): names += hosts([host])
      case (.hostNames, .server(let list)): names += hosts(list)
      // A name that no permit gives matches nothing.
      default: names.append(.other([]))
      }
    }
    return names
  }

  private func hosts(_ names: [String]) -> [GeneralName] {
    names.reduce(into: []) { list, text in
      let name = HostName(text)?.generalName ?? .other([])
      if !list.contains(name) { list.append(name) }
    }
  }

  // MARK: Extensions

  private func checkExtensions(_ contents: CertificateContents) throws {
    var rest = contents.extensions
    func take(_ type: [UInt8], critical: Bool, _ what: String) throws(CertificationError) -> [UInt8] {
      guard let index = rest.firstIndex(where: { $0.type == type && $0.isCritical == critical }) else {
        throw .differs(what)
      }
      return rest.remove(at: index).value
    }
    let constraints = try ExtensionValues.basicConstraints(take(OID.basicConstraints, critical: true, "CA flag"))
    try require(constraints == .init(isCA: false, pathLength: nil), "CA flag")
    let usage = try ExtensionValues.keyUsage(take(OID.keyUsage, critical: true, "key usage"))
    try require(usage == Set(expected.profile.keyUsage.map(\.bit)), "key usage")
    let purposes = try ExtensionValues.extendedKeyUsage(take(OID.extendedKeyUsage, critical: false, "purpose"))
    try require(purposes == expected.profile.purposes.map(\.objectIdentifier), "purpose")
    let names = expectedNames
    if !names.isEmpty {
      let value = try take(OID.subjectAlternativeName, critical: false, "alternative name")
      try require(GeneralName.list(value) == names, "alternative name")
    }
    let own = try ExtensionValues.subjectKeyIdentifier(
      take(OID.subjectKeyIdentifier, critical: false, "key identifier"))
    try require(own.elementsEqual(Digest.sha256(expected.key.bits).bytes.prefix(20)), "key identifier")
    let authority = try take(OID.authorityKeyIdentifier, critical: false, "authority key identifier")
    try require(
      ExtensionValues.authorityKeyIdentifier(authority) == expected.issuer.subjectKeyIdentifier,
      "authority key identifier")
    if expected.profile.addresses.contains(.crl) {
      try checkDistributionPoint(take(OID.crlDistributionPoints, critical: false, "CRL address"))
    }
    if !expected.profile.addresses.isDisjoint(with: [.ocsp, .issuer]) {
      try checkAccess(take(OID.authorityInfoAccess, critical: false, "authority information access"))
    }
    if expected.profile.subject == .ocspResponder {
      try require(take(OID.ocspNoCheck, critical: false, "no-check mark") == TLV.null, "no-check mark")
    }
    try require(rest.isEmpty, "set of extensions")
  }

  private func checkDistributionPoint(_ value: [UInt8]) throws {
    let url = "\(expected.issuer.points.publishURL)/crl/\(expected.issuer.keyID)/\(expected.identity.shard).crl"
    try require(ExtensionValues.distributionPoint(value) == .uri(url), "CRL address")
  }

  private func checkAccess(_ value: [UInt8]) throws {
    let (publish, addresses) = (expected.issuer.points.publishURL, expected.profile.addresses)
    var wanted: [[UInt8]: GeneralName] = [:]
    if addresses.contains(.ocsp) { wanted[OID.ocsp] = .uri("\(publish)/ocsp") }
    if addresses.contains(.issuer) { wanted[OID.caIssuers] = .uri("\(publish)/ca/\(expected.issuer.keyID).cer") }
    try require(ExtensionValues.authorityInfoAccess(value) == wanted, "authority information access")
  }
}
