import Yams

/// One flat mapping of YAML 1.2: scalars, and lists of scalars. What a profile has no use for (anchors, aliases, tags,
/// nesting) is refused in the text, before a parser could spend memory or stack on it.
struct YAMLMapping {
  struct Entry {
    let key: String
    let line: Int
    let value: Node
  }

  static let sizeLimit = 16 * 1024

  let file: String
  let entries: [Entry]

  init(file: String, text: String) throws(ProfileError) {
    self.file = file
    try Self.checkText(text, file)
    let root: Node?
    do {
      root = try compose(yaml: text)
    } catch let error as YamlError {
      throw Self.syntaxError(error, file)
    } catch {
      throw ProfileError(file: file, line: 1, expected: "YAML", found: "\(error)")
    }
    guard let mapping = root?.mapping else {
      throw ProfileError(
        file: file, line: root?.mark?.line ?? 1, expected: "a mapping of keys to values", found: "none")
    }
    var entries: [Entry] = []
    for (key, value) in mapping {
      let line = key.mark?.line ?? 1
      guard let name = key.scalar?.string else {
        throw ProfileError(file: file, line: line, expected: "a key", found: "a list or mapping")
      }
      entries.append(Entry(key: name, line: line, value: value))
    }
    self.entries = entries
  }

  private static func checkText(_ text: String, _ file: String) throws(ProfileError) {
    guard text.utf8.count <= sizeLimit else {
      throw ProfileError(file: file, line: 1, expected: "at most \(sizeLimit) bytes", found: "\(text.utf8.count)")
    }
    for (index, line) in text.textLines.enumerated() {
      let content = withoutComment(line)
      guard isPlain(content), !line.unicodeScalars.contains(where: { $0.value < 32 }) else {
        throw ProfileError(
          file: file, line: index + 1, expected: "a plain value, or one list in one line",
          found: String(content.prefix(80)))
      }
    }
  }

  /// A comment begins at `#` at the start of a line or after a space.
  private static func withoutComment(_ line: Substring) -> Substring {
    var previous: Character = " "
    let end = line.firstIndex { character in
      defer { previous = character }
      return character == "#" && previous == " "
    }
    return line[..<(end ?? line.endIndex)]
  }

  private static func isPlain(_ content: Substring) -> Bool {
    let trimmed = content.reversed().drop { $0 == " " }
    return content.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value < 127 }
      && !content.contains { "{}&*!|>%?#@`\"'".contains($0) } && content.firstRange(of: "- -") == nil
      && content.count { $0 == "[" } <= 1 && (!content.contains("[") || trimmed.first == "]")
  }

  private static func syntaxError(_ error: YamlError, _ file: String) -> ProfileError {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      ProfileError(file: file, line: mark.line, expected: "YAML", found: problem)
    case .duplicatedKeysInMapping(let duplicates, let context):
      ProfileError(
        file: file, line: context.mark.line, expected: "each key once",
        found: duplicates.joined(separator: ", ") + " twice")
    default:
      ProfileError(file: file, line: 1, expected: "YAML", found: "\(error)")
    }
  }
}
