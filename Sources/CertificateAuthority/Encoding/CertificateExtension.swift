import SwiftASN1

/// An extension as DER holds it (RFC 5280 §4.1.2.9): its type, whether it is critical, the content of its OCTET STRING.
struct CertificateExtension: Hashable, Sendable {
  /// The complete DER of the OBJECT IDENTIFIER.
  let type: [UInt8]
  let isCritical: Bool
  let value: [UInt8]

  init(_ type: [UInt8], isCritical: Bool = false, _ value: [UInt8]) {
    (self.type, self.isCritical, self.value) = (type, isCritical, value)
  }

  var der: [UInt8] {
    isCritical
      ? TLV.sequence(type, TLV.true, TLV.octetString(value)) : TLV.sequence(type, TLV.octetString(value))
  }

  init(_ node: ASN1Node) throws(MalformedDER) {
    var fields = try Fields(of: node, "an extension")
    type = Array(try fields.take("its type").objectIdentifier("an extension"))
    if let critical = fields.take(if: .boolean) {
      // DEFAULT FALSE: DER writes TRUE alone (X.690 §11.5).
      guard critical.encodedBytes.elementsEqual(TLV.true) else {
        throw MalformedDER(expected: "critical TRUE or nothing", found: "another value")
      }
      isCritical = true
    } else {
      isCritical = false
    }
    value = Array(try fields.take("its value").primitive(.octetString, "an extension's value"))
    try fields.end()
  }

  /// Reads Extensions: at least one, none twice.
  static func list(_ node: ASN1Node) throws(MalformedDER) -> [CertificateExtension] {
    var list: [CertificateExtension] = []
    for member in try node.members(limit: CertificateRequest.extensionLimit, "the extensions") {
      let one = try CertificateExtension(member)
      guard !list.contains(where: { $0.type == one.type }) else {
        throw MalformedDER(expected: "each extension once", found: "\(dotted(one.type)) twice")
      }
      list.append(one)
    }
    guard !list.isEmpty else { throw MalformedDER(expected: "an extension in the list", found: "none") }
    return list
  }

  /// The same of a certificate that is read back.
  static func list(_ reader: DERReader) throws(MalformedDER) -> [CertificateExtension] {
    var reader = reader
    var list: [CertificateExtension] = []
    while !reader.isAtEnd {
      guard list.count < CertificateRequest.extensionLimit else {
        throw MalformedDER(expected: "at most \(CertificateRequest.extensionLimit) extensions", found: "more")
      }
      let one = try CertificateExtension(&reader)
      guard !list.contains(where: { $0.type == one.type }) else {
        throw MalformedDER(expected: "each extension once", found: "\(dotted(one.type)) twice")
      }
      list.append(one)
    }
    guard !list.isEmpty else { throw MalformedDER(expected: "an extension in the list", found: "none") }
    return list
  }

  private init(_ reader: inout DERReader) throws(MalformedDER) {
    let fields = try ExtensionFields(&reader)
    (type, isCritical, value) = (Array(fields.type), fields.isCritical, Array(fields.value))
  }
}

/// The same where it lies in DER.
struct ExtensionFields {
  let type: ArraySlice<UInt8>
  let isCritical: Bool
  let value: ArraySlice<UInt8>

  init(_ reader: inout DERReader) throws(MalformedDER) {
    var fields = try reader.members("an extension")
    type = try fields.take(0x06, "its type").whole
    isCritical = fields.next == 0x01
    // DEFAULT FALSE: DER writes TRUE alone (X.690 §11.5).
    if isCritical, !(try fields.take("critical").content.elementsEqual([0xff])) {
      throw MalformedDER(expected: "critical TRUE or nothing", found: "another value")
    }
    value = try fields.take(0x04, "its value").content
    try fields.end()
  }
}
