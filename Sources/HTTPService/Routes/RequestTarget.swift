import MusterModel

/// A request target in origin form (RFC 9112 §3.2.1): its path in decoded segments, and its query.
struct RequestTarget: Sendable {
  struct Path: Sendable, Hashable { let segments: [String] }

  static let limit = 8 * 1024

  let path: Path
  let query: Query

  init(_ text: String) throws(Problem) {
    guard text.utf8.count <= RequestTarget.limit else {
      throw Problem(.uriTooLong, "target-too-long", detail: "expected at most \(RequestTarget.limit) bytes")
    }
    guard text.utf8.first == UInt8(ascii: "/"),
      text.utf8.allSatisfy({ (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "#") })
    else {
      throw .badRequest("target-malformed", "expected a path that begins with a slash, in visible ASCII")
    }
    let parts = text.utf8.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
    path = try RequestTarget.path(parts[0])
    query = parts.count == 2 ? try Query(Substring(parts[1])) : Query()
  }

  private static func path(_ text: Substring.UTF8View) throws(Problem) -> Path {
    var segments: [String] = []
    for raw in text.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).dropFirst() {
      guard let segment = PercentEncoding.decode(Substring(raw)) else {
        throw .badRequest("target-malformed", "expected percent-encoded UTF-8 in the path, without control characters")
      }
      // Dots that a proxy in front may have read differently (RFC 3986 §6.2.2.3).
      guard segment != ".", segment != ".." else {
        throw .badRequest("target-malformed", "expected a path without dot segments")
      }
      segments.append(segment)
    }
    return Path(segments: segments)
  }
}

/// Percent-encoding (RFC 3986 §2.1), strictly.
enum PercentEncoding {
  /// nil for a `%` without two hexadecimal digits, what is no UTF-8, and control characters.
  static func decode(_ text: Substring) -> String? {
    guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
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
    guard let decoded = String(validating: bytes, as: UTF8.self) else { return nil }
    return decoded.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f } ? decoded : nil
  }
}
