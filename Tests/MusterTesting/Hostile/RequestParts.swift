import Crypto

/// A PKCS #10 request (RFC 2986), part by part, so that each can be wrong. Signed by its own P-256 key unless
/// `signature` says otherwise.
struct RequestParts {
  var version: [UInt8] = [2, 1, 0]
  var subject = RequestParts.name("pump-7")
  var key: [UInt8]
  var attributes: [UInt8] = [0xa0, 0]
  /// After the attributes.
  var more: [UInt8] = []
  var algorithm = RequestParts.ecdsaWithSHA256
  var signature: [UInt8]?

  let privateKey: P256.Signing.PrivateKey

  init(_ privateKey: P256.Signing.PrivateKey = P256.Signing.PrivateKey()) {
    self.privateKey = privateKey
    key = [UInt8](privateKey.publicKey.derRepresentation)
  }

  var der: [UInt8] {
    get throws {
      let info = RawDER.sequence(version, subject, key, attributes, more)
      let signature = try signature ?? [UInt8](privateKey.signature(for: info).derRepresentation)
      return RawDER.sequence(info, algorithm, RawDER.bits(signature))
    }
  }

  static func changed(_ change: (inout RequestParts) -> Void) throws -> [UInt8] {
    var parts = RequestParts()
    change(&parts)
    return try parts.der
  }

  static let ecdsaWithSHA256 = RawDER.sequence(RawDER.oid(1, 2, 840, 10045, 4, 3, 2))

  static func name(_ text: String) -> [UInt8] {
    RawDER.sequence(RawDER.set(RawDER.sequence(RawDER.oid(2, 5, 4, 3), RawDER.utf8(text))))
  }

  /// The `number`th of attributes that nobody knows, in DER's order.
  static func attribute(_ number: Int) -> [UInt8] {
    RawDER.sequence(RawDER.oid(1, 3, 6, 1, 4, 1, 65_536 + number), RawDER.set([5, 0]))
  }

  /// An extensionRequest (RFC 2985 §5.4.2) for alternative names: tag and text of each.
  static func alternativeNames(_ names: [(tag: UInt8, text: String)]) -> [UInt8] {
    let names = RawDER.tlv(0x30, names.map { RawDER.tlv($0.tag, Array($0.text.utf8)) })
    let asked = RawDER.sequence(RawDER.oid(2, 5, 29, 17), RawDER.tlv(0x04, names))
    return RawDER.tlv(
      0xa0, RawDER.sequence(RawDER.oid(1, 2, 840, 113_549, 1, 9, 14), RawDER.set(RawDER.sequence(asked))))
  }
}
