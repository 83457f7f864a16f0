extension StringProtocol {
  /// The lines of a file that people edit, whatever ends them: LF, CR LF, CR, or U+0085, U+2028, U+2029, as YAML 1.1
  /// §5.4 counts them. CR LF is one `Character`, so that a file of them, split at `"\n"`, would be one line.
  public var textLines: [SubSequence] {
    split(omittingEmptySubsequences: false) { lineEnds.contains($0) }
  }
}

private let lineEnds: Set<Character> = ["\n", "\r\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"]
