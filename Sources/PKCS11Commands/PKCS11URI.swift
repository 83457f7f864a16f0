/// Which token behind which module (RFC 7512), such as
/// `pkcs11:token=muster?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/muster/pin`.
public struct PKCS11URI: Sendable, Hashable, CustomStringConvertible {
  /// The token's label, of at most 32 bytes.
  public let token: String
  /// Its serial number, where two have one label.
  public let serial: String?
  /// An absolute path.
  public let modulePath: String
  /// The absolute path of the file with the PIN.
  public let pinFile: String
  /// As it was given: it holds no secret.
  public let description: String

  public struct Malformed: Error, Sendable, Hashable, CustomStringConvertible {
    public let description: String
  }

  private static let lengthLimit = 1024

  /// Throws `Malformed` for what is no such URI, a PIN in it (`pin-value`), and attributes beside these four: one that is
  /// not understood could have named another token.
  public init(_ text: String) throws(Malformed) {
    guard text.hasPrefix("pkcs11:"), text.utf8.count <= PKCS11URI.lengthLimit else {
      throw Malformed(
        description: "expected a URI pkcs11:token=LABEL?module-path=FILE&pin-source=file:FILE, found another")
    }
    let parts = text.dropFirst(7).split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    var path = try PKCS11URI.attributes(parts[0], separator: ";")
    var query = parts.count > 1 ? try PKCS11URI.attributes(parts[1], separator: "&") : [:]
    guard query["pin-value"] == nil else {
      throw Malformed(description: "expected pin-source=file:FILE, found a PIN in the URI: it would be seen by others")
    }
    guard let token = path.removeValue(forKey: "token"), (1...32).contains(token.utf8.count) else {
      throw Malformed(description: "expected token=LABEL in the URI, found none")
    }
    guard let module = query.removeValue(forKey: "module-path"), module.hasPrefix("/") else {
      throw Malformed(description: "expected module-path= with an absolute path in the URI, found none")
    }
    guard let source = query.removeValue(forKey: "pin-source").map({ String($0.trimmingPrefix("file:")) }),
      source.hasPrefix("/")
    else { throw Malformed(description: "expected pin-source=file: with an absolute path in the URI, found none") }
    serial = path.removeValue(forKey: "serial")
    if let other = path.keys.first ?? query.keys.first {
      throw Malformed(description: "expected token, serial, module-path and pin-source in the URI, found \(other)")
    }
    (self.token, modulePath, pinFile, description) = (token, module, source, text)
  }

  private static func attributes(
    _ text: Substring, separator: Character
  ) throws(Malformed) -> [String: String] {
    var found: [String: String] = [:]
    for part in text.split(separator: separator) {
      let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard pair.count == 2, let value = decoded(pair[1]), !value.utf8.contains(0),
        found.updateValue(value, forKey: String(pair[0])) == nil
      else { throw Malformed(description: "expected NAME=VALUE, each once, in the URI, found \(part.prefix(32))") }
    }
    return found
  }

  /// RFC 3986 §2.1.
  private static func decoded(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
        return nil
      }
      bytes.append(value)
      rest = rest.dropFirst(2)
    }
    return String(validating: bytes, as: UTF8.self)
  }
}
