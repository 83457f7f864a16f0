/// Hostile text as a message shows it: its beginning in quotes, on one line, in ASCII. What could steer a terminal,
/// break a line of a log or turn the reading direction is escaped.
/// - Parameter limit: In Unicode scalars; one of them may take ten bytes.
public func excerpt(_ text: some StringProtocol, upTo limit: Int = 80) -> String {
  let shown = printable(text, upTo: limit)
  return shown.hasSuffix("…") ? "\"\(shown.dropLast())\"…" : "\"\(shown)\""
}

/// The same without quotes: for words that are ours and hold what is not.
public func printable(_ text: some StringProtocol, upTo limit: Int = 80) -> String {
  let scalars = text.unicodeScalars
  let end = scalars.index(scalars.startIndex, offsetBy: limit, limitedBy: scalars.endIndex) ?? scalars.endIndex
  let shown = scalars[..<end].reduce(into: "") { $0 += $1 == "'" ? "'" : $1.escaped(asASCII: true) }
  return end == scalars.endIndex ? shown : shown + "…"
}
