import Foundation

/// Base64 with the standard alphabet and padding (RFC 4648 §4), as C2SP's forms hold bytes.
enum Base64 {
  static func encode(_ bytes: some Sequence<UInt8>) -> String { Data(bytes).base64EncodedString() }

  /// nil unless `text` is exactly what `encode` writes.
  static func decode(_ text: some StringProtocol) -> [UInt8]? {
    let text = String(text)
    guard let data = Data(base64Encoded: text), data.base64EncodedString() == text else { return nil }
    return [UInt8](data)
  }
}
