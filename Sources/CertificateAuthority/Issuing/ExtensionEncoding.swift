/// Writers of the extensions that Muster puts into certificates (RFC 5280 §4.2).
enum ExtensionEncoding {
  static func basicConstraints(pathLength: UInt64? = nil, isCA: Bool) -> CertificateExtension {
    let parts = isCA ? [TLV.true] + (pathLength.map { [TLV.integer($0)] } ?? []) : []
    return CertificateExtension(OID.basicConstraints, isCritical: true, TLV.sequence(of: parts))
  }

  static func keyUsage(_ bits: Set<Int>) -> CertificateExtension {
    CertificateExtension(OID.keyUsage, isCritical: true, KeyUsageBits.encode(bits))
  }

  static func extendedKeyUsage(_ purposes: [Profile.Purpose]) -> CertificateExtension {
    CertificateExtension(OID.extendedKeyUsage, TLV.sequence(of: purposes.map(\.objectIdentifier)))
  }

  static func subjectAlternativeName(_ names: [GeneralName]) -> CertificateExtension {
    CertificateExtension(OID.subjectAlternativeName, TLV.sequence(of: names.map(\.der)))
  }

  static func subjectKeyIdentifier(_ identifier: [UInt8]) -> CertificateExtension {
    CertificateExtension(OID.subjectKeyIdentifier, TLV.octetString(identifier))
  }

  static func authorityKeyIdentifier(_ identifier: [UInt8]) -> CertificateExtension {
    CertificateExtension(OID.authorityKeyIdentifier, TLV.sequence(TLV.primitive(0, identifier)))
  }

  static func crlDistributionPoint(_ address: String) -> CertificateExtension {
    CertificateExtension(
      OID.crlDistributionPoints, TLV.sequence(TLV.sequence(TLV.tagged(0, TLV.tagged(0, GeneralName.uri(address).der)))))
  }

  static func authorityInfoAccess(ocsp: String?, issuer: String?) -> CertificateExtension {
    let locations = [(OID.ocsp, ocsp), (OID.caIssuers, issuer)].compactMap { method, address in
      address.map { TLV.sequence(method, GeneralName.uri($0).der) }
    }
    return CertificateExtension(OID.authorityInfoAccess, TLV.sequence(of: locations))
  }

  /// RFC 6960 §4.2.2.2.1.
  static let ocspNoCheck = CertificateExtension(OID.ocspNoCheck, TLV.null)
}
