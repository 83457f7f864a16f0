import MusterModel
import Policy

/// Holds the extensions of a certificate that was just signed to permit, profile, key and issuer: each that is due is
/// there once, with what is expected in it, and no other. They are walked where they lie.
struct IssuedExtensionsCheck {
  private let expected: UnsignedCertificate

  init(_ expected: UnsignedCertificate) { self.expected = expected }

  private enum Kind: CaseIterable {
    case basicConstraints, keyUsage, extendedKeyUsage, alternativeName, keyIdentifier, authorityKeyIdentifier,
      distributionPoints, access, noCheck

    /// The complete DER of the OBJECT IDENTIFIER.
    var type: [UInt8] {
      switch self {
      case .basicConstraints: OID.basicConstraints
      case .keyUsage: OID.keyUsage
      case .extendedKeyUsage: OID.extendedKeyUsage
      case .alternativeName: OID.subjectAlternativeName
      case .keyIdentifier: OID.subjectKeyIdentifier
      case .authorityKeyIdentifier: OID.authorityKeyIdentifier
      case .distributionPoints: OID.crlDistributionPoints
      case .access: OID.authorityInfoAccess
      case .noCheck: OID.ocspNoCheck
      }
    }

    var isCritical: Bool { self == .basicConstraints || self == .keyUsage }

    var what: String {
      switch self {
      case .basicConstraints: "CA flag"
      case .keyUsage: "key usage"
      case .extendedKeyUsage: "purpose"
      case .alternativeName: "alternative name"
      case .keyIdentifier: "key identifier"
      case .authorityKeyIdentifier: "authority key identifier"
      case .distributionPoints: "CRL address"
      case .access: "authority information access"
      case .noCheck: "no-check mark"
      }
    }
  }

  /// Throws `CertificationError.differs` with the extension at fault, or `MalformedDER`.
  func check(_ extensions: DERReader) throws {
    var (extensions, due) = (extensions, Kind.allCases.filter(isDue))
    while !extensions.isAtEnd {
      let found = try ExtensionFields(&extensions)
      guard let index = due.firstIndex(where: { found.type.elementsEqual($0.type) }) else {
        throw CertificationError.differs("set of extensions")
      }
      let kind = due.remove(at: index)
      var value = DERReader(found.value, "an extension's value")
      guard found.isCritical == kind.isCritical, try holds(kind, &value), value.isAtEnd else {
        throw CertificationError.differs(kind.what)
      }
    }
    if let missing = due.first { throw CertificationError.differs(missing.what) }
  }

  private func isDue(_ kind: Kind) -> Bool {
    let profile = expected.profile
    return switch kind {
    case .basicConstraints, .keyUsage, .extendedKeyUsage, .keyIdentifier, .authorityKeyIdentifier: true
    case .alternativeName: !profile.alternativeNames.isEmpty
    case .distributionPoints: profile.addresses.contains(.crl)
    case .access: profile.addresses.contains(.ocsp) || profile.addresses.contains(.issuer)
    case .noCheck: profile.subject == .ocspResponder
    }
  }

  /// Whether the extension says what is expected, as far as it was read.
  private func holds(_ kind: Kind, _ value: inout DERReader) throws -> Bool {
    switch kind {
    // No CA, and so no length of a path.
    case .basicConstraints: try value.members("basic constraints").isAtEnd
    case .keyUsage: try value.take(0x03, "key usage").content.elementsEqual(keyUsage)
    case .extendedKeyUsage: try arePurposes(value.members("extended key usage"))
    case .alternativeName: try areNames(value.members("alternative names"))
    case .keyIdentifier: try value.take(0x04, "a key identifier").content.elementsEqual(keyIdentifier)
    case .authorityKeyIdentifier: try isAuthority(value.members("an authority key identifier"))
    case .distributionPoints: try isDistributionPoint(value.members("distribution points"))
    case .access: try isAccess(value.members("authority information access"))
    case .noCheck: try value.take("NULL").whole.elementsEqual(TLV.null)
    }
  }

  // MARK: Key usage and purposes

  /// A count of unused bits and a byte (X.690 §11.2.2).
  private var keyUsage: [UInt8] {
    let byte = expected.profile.keyUsage.reduce(0 as UInt8) { $0 | 0x80 >> UInt8($1.bit) }
    return [UInt8(byte.trailingZeroBitCount), byte]
  }

  private func arePurposes(_ list: DERReader) throws -> Bool {
    var list = list
    for purpose in expected.profile.purposes {
      guard try list.take(0x06, "a purpose").whole.elementsEqual(purpose.objectIdentifier) else { return false }
    }
    return list.isAtEnd
  }

  // MARK: Keys

  private var keyIdentifier: ArraySlice<UInt8> { Digest.sha256(expected.key.bits).bytes.prefix(20) }

  private func isAuthority(_ fields: DERReader) throws -> Bool {
    var fields = fields
    let found = try fields.take(0x80, "the key identifier").content
    return found.elementsEqual(expected.issuer.subjectKeyIdentifier) && fields.isAtEnd
  }

  // MARK: Names and addresses

  private func areNames(_ list: DERReader) throws -> Bool {
    var list = list
    for kind in expected.profile.alternativeNames {
      guard try holds(kind, &list) else { return false }
    }
    return list.isAtEnd
  }

  /// A name that no permit gives matches nothing.
  private func holds(_ kind: Profile.AlternativeName, _ list: inout DERReader) throws -> Bool {
    let domain = expected.issuer.points.trustDomain.name
    switch (kind, expected.permit.subject) {
    case (.spiffeID, .device(_, let id)):
      return try isURI(list.take("a name"), "spiffe://", domain, "/device/", id.text)
    case (.spiffeID, .operator(let id, _)):
      return try isURI(list.take("a name"), "spiffe://", domain, "/operator/", id.description)
    case (.spiffeID, .hub(let id, _, _)):
      return try isURI(list.take("a name"), "spiffe://", domain, "/hub/", id.description)
    case (.certificateName, _):
      let name = try list.take("a name")
      return name.tag == 0x82 && isText(name.content, Hex.encode(expected.identity.serial.bytes), ".cert.", domain)
    case (.hostNames, .hub(_, _, let host)): return try areHosts([host], &list)
    case (.hostNames, .server(let names)): return try areHosts(names, &list)
    default: return false
    }
  }

  private func areHosts(_ names: [String], _ list: inout DERReader) throws -> Bool {
    var seen: Set<GeneralName> = []
    for text in names {
      guard let name = HostName(text)?.generalName else { return false }
      guard seen.insert(name).inserted else { continue }
      guard try isHost(name, list.take("a name")) else { return false }
    }
    return true
  }

  private func isHost(_ name: GeneralName, _ value: DERValue) -> Bool {
    switch name {
    case .dns(let text): value.tag == 0x82 && value.content.elementsEqual(text.utf8)
    case .address(let bytes): value.tag == 0x87 && value.content.elementsEqual(bytes)
    case .uri, .other: false
    }
  }

  private func isURI(_ value: DERValue, _ parts: String...) -> Bool {
    value.tag == 0x86 && isText(value.content, parts)
  }

  private func isText(_ content: ArraySlice<UInt8>, _ parts: String...) -> Bool { isText(content, parts) }

  /// Whether the parts, one after the other, are all of the text.
  private func isText(_ content: ArraySlice<UInt8>, _ parts: [String]) -> Bool {
    var rest = content
    for part in parts {
      var part = part
      guard part.withUTF8({ rest.starts(with: $0) }) else { return false }
      rest = rest.dropFirst(part.utf8.count)
    }
    return rest.isEmpty
  }

  /// One point, a name alone, of one address.
  private func isDistributionPoint(_ points: DERReader) throws -> Bool {
    var points = points
    var point = try points.members("one distribution point")
    var name = try point.members("a name alone", tag: 0xa0)
    var full = try name.members("its full name", tag: 0xa0)
    let address = try full.take("its address")
    let (publish, keyID) = (expected.issuer.points.publishURL, expected.issuer.keyID)
    return isURI(address, publish, "/crl/", keyID, "/", String(expected.identity.shard), ".crl")
      && full.isAtEnd && name.isAtEnd && point.isAtEnd && points.isAtEnd
  }

  private func isAccess(_ list: DERReader) throws -> Bool {
    let (publish, addresses) = (expected.issuer.points.publishURL, expected.profile.addresses)
    var list = list
    if addresses.contains(.ocsp), try !isAccess(OID.ocsp, [publish, "/ocsp"], &list) { return false }
    if addresses.contains(.issuer) {
      guard try isAccess(OID.caIssuers, [publish, "/ca/", expected.issuer.keyID, ".cer"], &list) else { return false }
    }
    return list.isAtEnd
  }

  private func isAccess(_ method: [UInt8], _ url: [String], _ list: inout DERReader) throws -> Bool {
    var access = try list.members("an access description")
    let isMethod = try access.take(0x06, "the method").whole.elementsEqual(method)
    let location = try access.take("the location")
    return location.tag == 0x86 && isText(location.content, url) && isMethod && access.isAtEnd
  }
}
