import Foundation
import MusterModel

/// `SharedAccessSignature sr=…&sig=…&se=…`, read and not yet verified: what tokens of both kinds have in common.
struct SignedFields {
  /// `sr`, percent-decoded, by its segments.
  let path: [String]
  let expires: Timestamp
  let signature: [UInt8]
  /// What was signed.
  let message: [UInt8]

  init?(_ text: String) {
    guard text.utf8.count <= SharedAccessToken.sizeLimit, text.hasPrefix(SharedAccessToken.scheme),
      text.utf8.allSatisfy({ (0x20...0x7e).contains($0) }),
      let fields = SignedFields.fields(text.dropFirst(SharedAccessToken.scheme.count)),
      let resource = fields["sr"], let expiry = fields["se"], let seconds = SignedFields.seconds(expiry),
      let signature = fields["sig"].flatMap(SignedFields.signature), let path = percentDecoded(resource)
    else { return nil }
    self.path = path.split(separator: "/", omittingEmptySubsequences: false).map { String($0) }
    expires = Timestamp(milliseconds: seconds * 1000)
    self.signature = signature
    message = SignedFields.message(resource, expiry)
  }

  /// Exactly `sr`, `sig` and `se`; nil for any other set of names, and for one that comes twice.
  private static func fields(_ text: Substring) -> [Substring: Substring]? {
    let pairs = text.split(separator: "&", maxSplits: 3, omittingEmptySubsequences: false)
    guard pairs.count == 3 else { return nil }
    var fields: [Substring: Substring] = [:]
    for pair in pairs {
      guard let equals = pair.firstIndex(of: "="), ["sr", "sig", "se"].contains(pair[..<equals]) else { return nil }
      guard fields.updateValue(pair[pair.index(after: equals)...], forKey: pair[..<equals]) == nil else { return nil }
    }
    return fields
  }

  /// Decimal digits, no sign and no zero in front, up to the end of the year 9999.
  private static func seconds(_ text: Substring) -> Int64? {
    guard (1...12).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), text.first != "0",
      let seconds = Int64(text), seconds <= 253_402_300_799
    else { return nil }
    return seconds
  }

  /// 32 bytes in base64 with padding, each character percent-encoded or not.
  private static func signature(_ text: Substring) -> [UInt8]? {
    guard let plain = percentDecoded(text), plain.utf8.count == 44, let bytes = Data(base64Encoded: plain),
      bytes.count == 32, bytes.base64EncodedString() == plain
    else { return nil }
    return [UInt8](bytes)
  }

  static func message(_ resource: Substring, _ expiry: Substring) -> [UInt8] {
    Array(resource.utf8) + [UInt8(ascii: "\n")] + Array(expiry.utf8)
  }
}

// MARK: - Percent-encoding (RFC 3986 §2.1)

/// nil for a `%` without two hexadecimal digits, and for what is no UTF-8.
private func percentDecoded(_ text: Substring) -> String? {
  var bytes: [UInt8] = []
  var rest = text.utf8[...]
  while let byte = rest.popFirst() {
    guard byte == UInt8(ascii: "%") else {
      bytes.append(byte)
      continue
    }
    guard rest.count >= 2, let value = Hex.decode(Substring(rest.prefix(2))) else { return nil }
    bytes += value
    rest = rest.dropFirst(2)
  }
  return String(validating: bytes, as: UTF8.self)
}

func percentEncoded(_ text: String) -> String {
  let unreserved = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8)
  return text.utf8.map { unreserved.contains($0) ? String(UnicodeScalar($0)) : "%" + Hex.encode([$0]).uppercased() }
    .joined()
}
