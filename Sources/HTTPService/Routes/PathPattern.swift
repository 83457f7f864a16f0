/// A path with places to fill: `/v1/devices/{id}`, `/crl/{issuer}.crl`, `/ocsp/{request...}`. Written as in OpenAPI,
/// where `...` is left out.
struct PathPattern: Hashable, Sendable, CustomStringConvertible {
  enum Segment: Hashable, Sendable {
    case literal(String)
    /// One segment, what follows the place cut off.
    case capture(String, suffix: String)
    /// All that is left of the path, slashes included.
    case rest(String)
  }

  let segments: [Segment]
  let description: String
  private let hasRest: Bool

  init(_ text: String) {
    segments = text.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(PathPattern.segment)
    description = text.replacing("...}", with: "}")
    hasRest = text.contains("...}")
  }

  private static func segment(_ text: Substring) -> Segment {
    guard text.first == "{", let close = text.firstIndex(of: "}") else { return .literal(String(text)) }
    let name = text[text.index(after: text.startIndex)..<close]
    if name.hasSuffix("...") { return .rest(String(name.dropLast(3))) }
    return .capture(String(name), suffix: String(text[text.index(after: close)...]))
  }

  /// What fills the places; nil where the path does not match.
  func match(_ path: RequestTarget.Path) -> [String: String]? {
    guard segments.count == path.segments.count || hasRest else { return nil }
    var parameters: [String: String] = [:]
    for (offset, segment) in segments.enumerated() {
      guard offset < path.segments.count else { return nil }
      switch segment {
      case .literal(let text):
        guard path.segments[offset] == text else { return nil }
      case .capture(let name, let suffix):
        guard let value = filling(path.segments[offset], suffix) else { return nil }
        parameters[name] = value
      case .rest(let name):
        parameters[name] = path.segments[offset...].joined(separator: "/")
        return parameters
      }
    }
    return segments.count == path.segments.count ? parameters : nil
  }

  private func filling(_ segment: String, _ suffix: String) -> String? {
    guard segment.hasSuffix(suffix), segment.utf8.count > suffix.utf8.count else { return nil }
    let value = String(segment.dropLast(suffix.count))
    // An escaped slash would read as another path behind the places that take a rest.
    return value.contains("/") ? nil : value
  }
}
