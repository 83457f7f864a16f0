/// What the service, or whoever answered in its place, said is not what was to be said. The text is for who stands at the
/// device.
public struct UnreadableAnswer: Error, Sendable, Hashable, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description }
}

/// What comes from elsewhere is shown in one line, without control characters, and not without end.
public func printable(_ text: String) -> String {
  String(String.UnicodeScalarView(text.unicodeScalars.filter { $0.properties.generalCategory != .control }.prefix(400)))
}
