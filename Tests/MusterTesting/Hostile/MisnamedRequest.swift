import Crypto

/// Sound requests of one key that ask for names which are not the device's to have.
package struct MisnamedRequest: Sendable, CustomStringConvertible {
  package let description: String
  package let der: [UInt8]
  /// What must not be in a certificate.
  package let name: String

  package static func all() throws -> [MisnamedRequest] {
    let key = P256.Signing.PrivateKey()
    return try names.flatMap { what, name in
      var subject = RequestParts(key)
      subject.subject = RequestParts.name(name)
      var alternative = RequestParts(key)
      alternative.attributes = RequestParts.alternativeNames([(0x82, name), (0x86, "spiffe://\(name)"), (0x81, name)])
      return [
        MisnamedRequest(description: "\(what) as its subject", der: try subject.der, name: name),
        MisnamedRequest(description: "\(what) as alternative names", der: try alternative.der, name: name),
      ]
    }
  }

  private static let names = [
    ("a name with NUL", "pump-7\0.evil.example"), ("a name with a newline", "pump-7\nCN=admin"),
    ("a name with an escape", "pump-7\u{1b}[2J"), ("a Cyrillic look-alike", "рump-7"),
    ("a full-width look-alike", "ｐump-7"), ("a name with a mark", "pump\u{301}-7"),
    ("a name that turns the reading direction", "pump\u{202e}7-"), ("a wildcard", "*.test.example"),
    ("another device", "pump-8"), ("an operator's role", "administrator"), ("a path", "../../etc/passwd"),
    ("a distinguished name", "pump-9/CN=root"), ("a long name", String(repeating: "x", count: 4000)),
  ]
}
