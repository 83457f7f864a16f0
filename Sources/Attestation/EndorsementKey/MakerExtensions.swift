/// The extensions of a maker's certificate that are asked for (RFC 5280 §4.2, TCG EK Credential Profile §3.2).
struct MakerExtensions: Sendable {
  /// nil where there is no basicConstraints.
  private(set) var isCA: Bool?
  private(set) var pathLength: Int?
  /// The first 16 named bits, digitalSignature the highest; nil where there is no keyUsage.
  private(set) var keyUsage: UInt16?
  /// nil where there is no extendedKeyUsage.
  private(set) var purposes: [[UInt8]]?
  private(set) var subjectKeyID: [UInt8]?
  private(set) var authorityKeyID: [UInt8]?
  private(set) var manufacturer: String?
  private(set) var model: String?
  private(set) var version: String?
  /// A critical extension that nobody here understands.
  private(set) var hasUnknownCritical = false

  private static let countLimit = 32

  init(_ value: LooseValue?) throws(MalformedTPM) {
    guard let value else { return }
    var outer = LooseDER(value.content)
    var list = try outer.sequence("the extensions")
    try outer.end("the extensions")
    var seen: Set<[UInt8]> = []
    while !list.isAtEnd {
      var fields = try list.sequence("an extension")
      let identifier = Array(try fields.take(0x06, "an extension's type").content)
      // FALSE is the default; some write it all the same.
      let isCritical = try fields.takeOptional(0x01, "critical").map { $0.content.contains { $0 != 0 } } ?? false
      let content = try fields.take(0x04, "an extension's value").content
      try fields.end("an extension")
      guard seen.insert(identifier).inserted, seen.count <= MakerExtensions.countLimit else {
        throw MalformedTPM(expected: "each extension once", found: "one twice, or too many")
      }
      try read(identifier, content, isCritical)
    }
  }

  private mutating func read(_ identifier: [UInt8], _ content: ArraySlice<UInt8>, _ isCritical: Bool)
    throws(MalformedTPM)
  {
    var value = LooseDER(content)
    switch identifier {
    case OID.basicConstraints: try readConstraints(try value.sequence("basicConstraints"))
    case OID.keyUsage: keyUsage = try MakerExtensions.usage(try value.take(0x03, "keyUsage").content)
    case OID.extendedKeyUsage: purposes = try MakerExtensions.purposes(try value.sequence("extendedKeyUsage"))
    case OID.subjectAltName: readTPM(try value.sequence("subjectAltName"))
    case OID.subjectKeyIdentifier: subjectKeyID = Array(try value.take(0x04, "subjectKeyIdentifier").content)
    case OID.authorityKeyIdentifier:
      var fields = try value.sequence("authorityKeyIdentifier")
      authorityKeyID = try fields.takeOptional(0x80, "keyIdentifier").map { Array($0.content) }
    case OID.subjectDirectoryAttributes, OID.certificatePolicies, OID.crlDistributionPoints: break
    default: hasUnknownCritical = hasUnknownCritical || isCritical
    }
  }

  private mutating func readConstraints(_ fields: LooseDER) throws(MalformedTPM) {
    var fields = fields
    isCA = try fields.takeOptional(0x01, "cA").map { $0.content.contains { $0 != 0 } } ?? false
    if let limit = try fields.takeOptional(0x02, "pathLenConstraint") {
      guard limit.content.count == 1, let length = limit.content.first, length < 0x80 else {
        throw MalformedTPM(expected: "a pathLenConstraint of 0 to 127", found: "another")
      }
      pathLength = Int(length)
    }
    try fields.end("basicConstraints")
  }

  private static func usage(_ bits: ArraySlice<UInt8>) throws(MalformedTPM) -> UInt16 {
    guard (2...3).contains(bits.count) else {
      throw MalformedTPM(expected: "a keyUsage of 1 or 2 bytes", found: "another")
    }
    let bytes = Array(bits.dropFirst()) + [0]
    return UInt16(bytes[0]) << 8 | UInt16(bytes[1])
  }

  private static func purposes(_ fields: LooseDER) throws(MalformedTPM) -> [[UInt8]] {
    var fields = fields
    var purposes: [[UInt8]] = []
    while !fields.isAtEnd {
      guard purposes.count < countLimit else { throw MalformedTPM(expected: "fewer purposes", found: "more") }
      purposes.append(Array(try fields.take(0x06, "a purpose").content))
    }
    return purposes
  }

  /// The TPM's make in the directory name of the subjectAltName.
  private mutating func readTPM(_ names: LooseDER) {
    var names = names
    while let name = try? names.take("a name") {
      guard name.tag == 0xa4 else { continue }
      let content = Array(name.content)
      manufacturer = MakerName.text(OID.tpmManufacturer, in: content) ?? manufacturer
      model = MakerName.text(OID.tpmModel, in: content) ?? model
      version = MakerName.text(OID.tpmVersion, in: content) ?? version
    }
  }

  private func allows(_ usage: Usage) -> Bool { keyUsage.map { $0 & usage.bit != 0 } ?? true }

  /// RFC 5280 §4.2.1.3: where there is no keyUsage, all are allowed.
  var maySignCertificates: Bool { allows(.keyCertSign) }

  /// TCG EK Credential Profile §3.2.15 asks for keyEncipherment of an RSA key, keyAgreement of an ECC key. Makers issue
  /// either for either, and Google's vTPMs are marked digitalSignature: that is taken where the purpose says what it is.
  var isUsageOfEndorsementKey: Bool {
    guard keyUsage != nil else { return true }
    let isMarked = purposes?.contains(OID.ekCertificate) == true && allows(.digitalSignature)
    return (allows(.keyEncipherment) || allows(.keyAgreement) || isMarked)
      && !allows(.keyCertSign) && !allows(.cRLSign)
  }

  var usageNames: String {
    guard keyUsage != nil else { return "absent" }
    let names = Usage.allCases.filter(allows).map { "\($0)" }
    return names.isEmpty ? "none of those" : names.joined(separator: ", ")
  }

  private enum Usage: Int, CaseIterable {
    case digitalSignature = 0
    case keyEncipherment = 2
    case keyAgreement = 4
    case keyCertSign, cRLSign

    var bit: UInt16 { 0x8000 >> UInt16(rawValue) }
  }
}
