import SwiftASN1

/// Readers of the extensions that Muster writes (RFC 5280 §4.2). Each takes the content of the extension's OCTET STRING.
enum ExtensionValues {
  struct BasicConstraints: Equatable {
    let isCA: Bool
    let pathLength: Int?
  }

  static func basicConstraints(_ value: [UInt8]) throws(MalformedDER) -> BasicConstraints {
    var fields = try Fields(of: ASN1Node.parse(value[...], "basic constraints"), "basic constraints")
    let isCA = fields.take(if: .boolean).map { $0.encodedBytes.elementsEqual(TLV.true) } ?? false
    let length = try fields.isAtEnd ? nil : fields.take("a path length").magnitude("a path length")
    try fields.end()
    return BasicConstraints(isCA: isCA, pathLength: length.map { $0.prefix(4).reduce(0) { $0 << 8 | Int($1) } })
  }

  /// The numbers of the bits that are set.
  static func keyUsage(_ value: [UInt8]) throws(MalformedDER) -> Set<Int> {
    let content = try ASN1Node.parse(value[...], "key usage").primitive(.bitString, "key usage")
    guard let unused = content.first, let last = content.dropFirst().last, last.trailingZeroBitCount == unused,
      content.count <= 3
    else { throw MalformedDER(expected: "key usage without trailing zero bits (X.690 §11.2.2)", found: "others") }
    var bits: Set<Int> = []
    for (index, byte) in content.dropFirst().enumerated() {
      for bit in 0..<8 where byte & (0x80 >> UInt8(bit)) != 0 { bits.insert(index * 8 + bit) }
    }
    return bits
  }

  /// The complete DER of each purpose's OBJECT IDENTIFIER.
  static func extendedKeyUsage(_ value: [UInt8]) throws(MalformedDER) -> [[UInt8]] {
    try ASN1Node.parse(value[...], "extended key usage").members(limit: 16, "extended key usage")
      .map { Array($0.encodedBytes) }
  }

  static func subjectKeyIdentifier(_ value: [UInt8]) throws(MalformedDER) -> [UInt8] {
    Array(try ASN1Node.parse(value[...], "a key identifier").primitive(.octetString, "a key identifier"))
  }

  /// The key identifier of an authority key identifier that holds nothing else.
  static func authorityKeyIdentifier(_ value: [UInt8]) throws(MalformedDER) -> [UInt8] {
    let node = try ASN1Node.parse(value[...], "an authority key identifier").inside(
      .sequence, "an authority key identifier")
    return Array(try node.primitive(.context(0), "the key identifier"))
  }

  /// The one address of one distribution point.
  static func distributionPoint(_ value: [UInt8]) throws(MalformedDER) -> GeneralName {
    let point = try ASN1Node.parse(value[...], "distribution points").inside(.sequence, "one distribution point")
    let name = try point.inside(.sequence, "a name alone").inside(.context(0), "its name")
    return GeneralName(try name.inside(.context(0), "its full name of one address"))
  }

  /// Access method, as the complete DER of its OBJECT IDENTIFIER, and address.
  static func authorityInfoAccess(_ value: [UInt8]) throws(MalformedDER) -> [[UInt8]: GeneralName] {
    var access: [[UInt8]: GeneralName] = [:]
    let node = try ASN1Node.parse(value[...], "authority information access")
    for member in try node.members(limit: 8, "authority information access") {
      var fields = try Fields(of: member, "an access description")
      let method = Array(try fields.take("the method").encodedBytes)
      access[method] = GeneralName(try fields.take("the location"))
      try fields.end()
    }
    return access
  }
}
