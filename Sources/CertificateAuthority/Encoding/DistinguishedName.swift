import SwiftASN1

/// A Name (RFC 5280 §4.1.2.4): its DER, and what it says for comparison.
public struct DistinguishedName: Hashable, Sendable {
  public let der: [UInt8]
  private let parts: [Set<Part>]

  /// One attribute. Strings that say the same in PrintableString, IA5String and UTF8String are the same
  /// (RFC 5280 §7.1); case and spaces are kept, so that nothing that looks alike is taken for equal.
  private struct Part: Hashable, Sendable {
    let type: [UInt8]
    let value: [UInt8]
  }

  static let limit = 16

  init(der: [UInt8]) throws(MalformedDER) { try self.init(ASN1Node.parse(der[...], "a name")) }

  init(_ node: ASN1Node) throws(MalformedDER) {
    der = Array(node.encodedBytes)
    var parts: [Set<Part>] = []
    for relative in try node.members(limit: Self.limit, "a name") {
      var set: Set<Part> = []
      for attribute in try relative.members(.set, limit: Self.limit, "a relative name") {
        set.insert(try Self.part(attribute))
      }
      guard !set.isEmpty else { throw MalformedDER(expected: "an attribute in a relative name", found: "none") }
      parts.append(set)
    }
    self.parts = parts
  }

  private static func part(_ node: ASN1Node) throws(MalformedDER) -> Part {
    var fields = try Fields(of: node, "an attribute of a name")
    let type = Array(try fields.take("its type").objectIdentifier("an attribute"))
    let value = try fields.take("its value")
    try fields.end()
    if [.utf8String, .printableString, .ia5String].contains(value.identifier), case .primitive(let text) = value.content
    {
      return Part(type: type, value: [0] + text)
    }
    return Part(type: type, value: Array(value.encodedBytes))
  }

  /// Whether both say the same, in the same order.
  public func isSame(as other: DistinguishedName) -> Bool { parts == other.parts }

  public var isEmpty: Bool { parts.isEmpty }

  public static func == (left: DistinguishedName, right: DistinguishedName) -> Bool { left.der == right.der }
  public func hash(into hasher: inout Hasher) { hasher.combine(der) }

  /// The DER of a name of single UTF8String attributes.
  static func encode(_ attributes: [(type: [UInt8], text: String)]) -> [UInt8] {
    TLV.sequence(of: attributes.map { TLV.set(TLV.sequence($0.type, TLV.utf8String($0.text))) })
  }
}
