import MusterModel

/// Base64 as part of a line of text, as C2SP's forms hold bytes.
enum Base64Line {
  static func encode(_ bytes: some Sequence<UInt8>) -> String {
    String(decoding: Base64.encode(Array(bytes)), as: UTF8.self)
  }

  /// nil unless `text` is exactly what `encode` writes.
  static func decode(_ text: some StringProtocol) -> [UInt8]? {
    guard let bytes = Base64.decode(Array(text.utf8)), encode(bytes) == text else { return nil }
    return bytes
  }
}
