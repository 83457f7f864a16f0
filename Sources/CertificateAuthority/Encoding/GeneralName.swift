import SwiftASN1

/// A GeneralName (RFC 5280 §4.2.1.6), as far as Muster writes them; others are kept as their DER.
enum GeneralName: Hashable, Sendable {
  case dns(String)
  case uri(String)
  /// 4 or 16 bytes.
  case address([UInt8])
  case other([UInt8])

  static let limit = 128

  /// The texts are ASCII: the types that make them see to that.
  var der: [UInt8] {
    switch self {
    case .dns(let name): TLV.primitive(2, Array(name.utf8))
    case .uri(let text): TLV.primitive(6, Array(text.utf8))
    case .address(let bytes): TLV.primitive(7, bytes)
    case .other(let der): der
    }
  }

  init(_ node: ASN1Node) {
    switch (node.identifier, node.content) {
    case (.context(2), .primitive(let text)): self = .dns(String(decoding: text, as: UTF8.self))
    case (.context(6), .primitive(let text)): self = .uri(String(decoding: text, as: UTF8.self))
    case (.context(7), .primitive(let bytes)): self = .address(Array(bytes))
    default: self = .other(Array(node.encodedBytes))
    }
  }

  /// Reads GeneralNames.
  static func list(_ der: [UInt8]) throws(MalformedDER) -> [GeneralName] {
    try ASN1Node.parse(der[...], "a list of names").members(limit: limit, "a list of names").map { GeneralName($0) }
  }
}
