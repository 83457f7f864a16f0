import Foundation
import HTTPTypes
import MusterModel

/// Bodies of EST (RFC 7030 §4 with the clarifications of RFC 8951 §3): base64 both ways.
enum ESTBody {
  /// The DER of a PKCS #10 request, not looked into.
  static func request(_ body: [UInt8], headers: HTTPFields) throws(Problem) -> [UInt8] {
    guard mediaType(headers[.contentType]) == "application/pkcs10" else {
      throw Problem(
        .unsupportedMediaType, "content-type-unsupported",
        detail: "expected application/pkcs10, found \(mediaType(headers[.contentType]).map { excerpt($0) } ?? "none")")
    }
    guard let der = base64(body), !der.isEmpty else {
      throw .badRequest("base64-malformed", "expected a request in base64 (RFC 4648 §4), found \(found(body))")
    }
    return der
  }

  /// Base64 with line breaks or without, padded, its last bits zero; nil for anything else.
  static func base64(_ text: [UInt8]) -> [UInt8]? {
    let joined = text.filter { $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\n") }
    guard let data = Data(base64Encoded: Data(joined)), data.base64EncodedData().elementsEqual(joined) else {
      return nil
    }
    return Array(data)
  }

  /// A certs-only CMS. In one line: strongSwan's `pki` reads nothing else.
  static func certificates(_ cms: [UInt8]) -> Answer {
    answer(cms, type: "application/pkcs7-mime; smime-type=certs-only")
  }

  /// RFC 7030 §4.5.2.
  static func attributes(_ der: [UInt8]) -> Answer { answer(der, type: "application/csrattrs") }

  private static func answer(_ der: [UInt8], type: String) -> Answer {
    // RFC 8951 §3.1 has receivers ignore the field; clients of RFC 7030 as it was expect it.
    Answer(type: type, Data(der).base64EncodedData()).adding(.contentTransferEncoding, "base64")
  }

  /// The type without its parameters, in lower case.
  static func mediaType(_ field: String?) -> String? {
    field?.prefix { $0 != ";" }.trimmingCharacters(in: .whitespaces).lowercased()
  }

  private static func found(_ body: [UInt8]) -> String {
    if body.isEmpty { return "nothing" }
    if body.starts(with: Array("-----BEGIN".utf8)) { return "PEM: leave its first and last line out" }
    if body[0] == 0x30 { return "what looks like DER" }
    return "something else"
  }
}
