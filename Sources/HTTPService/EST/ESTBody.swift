import HTTPTypes
import MusterModel

/// Bodies of EST (RFC 7030 §4 with the clarifications of RFC 8951 §3): base64 both ways.
enum ESTBody {
  /// The DER of a PKCS #10 request, not looked into.
  static func request(_ body: [UInt8], headers: HTTPFields) throws(Problem) -> [UInt8] {
    let type = mediaType(headers.single(.contentType))
    guard type == "application/pkcs10" else {
      throw Problem(
        .unsupportedMediaType, "content-type-unsupported",
        detail: "expected application/pkcs10, found \(type.map { excerpt($0) } ?? "none, or several")")
    }
    guard let der = Base64.decode(body), !der.isEmpty else {
      throw .badRequest("base64-malformed", "expected a request in base64 (RFC 4648 §4), found \(found(body))")
    }
    return der
  }

  /// A certs-only CMS. In one line: strongSwan's `pki` reads nothing else.
  static func certificates(_ cms: [UInt8]) -> Answer {
    answer(cms, type: "application/pkcs7-mime; smime-type=certs-only")
  }

  /// RFC 7030 §4.5.2.
  static func attributes(_ der: [UInt8]) -> Answer { answer(der, type: "application/csrattrs") }

  private static func answer(_ der: [UInt8], type: String) -> Answer {
    // RFC 8951 §3.1 has receivers ignore the field; clients of RFC 7030 as it was expect it.
    Answer(type: type, Base64.encode(der)).adding(.contentTransferEncoding, "base64")
  }

  /// The type without its parameters, in lower case.
  static func mediaType(_ field: String?) -> String? {
    guard let field else { return nil }
    let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
    let type = field.utf8.prefix { $0 != UInt8(ascii: ";") }.drop(while: isBlank)
    return Substring(type.prefix(upTo: type.lastIndex { !isBlank($0) }.map(type.index(after:)) ?? type.startIndex))
      .lowercased()
  }

  private static func found(_ body: [UInt8]) -> String {
    if body.isEmpty { return "nothing" }
    if body.starts(with: Array("-----BEGIN".utf8)) { return "PEM: leave its first and last line out" }
    if body[0] == 0x30 { return "what looks like DER" }
    return "something else"
  }
}
