import MusterModel
import Yams

/// A value of a YAML file with where it stands. Every reading is strict: what is not asked for is refused, and what is
/// refused names its line.
struct StrictYAML {
  let file: String
  private let node: Node

  /// No file of ours needs more; no parser of ours shall meet more.
  static let sizeLimit = 64 * 1024
  private static let flowLimit = 1024
  private static let indentLimit = 64
  private static let wordLimit = 256

  /// Parses one document. Refuses aliases, anchors, tabs and depth before a parser sees them: libyaml's expansion and
  /// recursion are bounded by nothing else.
  init(_ bytes: [UInt8], file: String) throws(PolicyError) {
    guard bytes.count <= StrictYAML.sizeLimit else {
      throw PolicyError(
        file: file, line: nil, "expected at most \(StrictYAML.sizeLimit) bytes, found \(bytes.count)")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw PolicyError(file: file, line: nil, "expected UTF-8, found other bytes")
    }
    try StrictYAML.checkShape(text, file: file)
    do {
      guard let root = try Yams.Parser(yaml: text).singleRoot() else {
        throw PolicyError(file: file, line: nil, "expected a mapping, found an empty file")
      }
      self.init(file: file, node: root)
    } catch let error as PolicyError {
      throw error
    } catch let error as YamlError {
      throw StrictYAML.error(error, file: file)
    } catch {
      throw PolicyError(file: file, line: nil, "expected YAML, found \(printable("\(error)"))")
    }
  }

  private init(file: String, node: Node) {
    self.file = file
    self.node = node
  }

  func refuse(_ problem: String) -> PolicyError { PolicyError(file: file, line: node.mark?.line, problem) }
}

// MARK: - Reading

extension StrictYAML {
  /// The values of a mapping by key. Keys outside `known`, twice the same and missing ones of `required` are refused.
  func mapping(known: [String], required: [String]) throws(PolicyError) -> [String: StrictYAML] {
    let entries = try entries()
    var values: [String: StrictYAML] = [:]
    for (key, value) in entries {
      let name = try key.word()
      guard known.contains(name) else {
        throw key.refuse("expected a key of \(known.joined(separator: ", ")), found \(excerpt(name))")
      }
      guard values.updateValue(value, forKey: name) == nil else {
        throw key.refuse("expected each key once, found \(excerpt(name)) twice")
      }
    }
    for name in required where values[name] == nil { throw refuse("expected the key \(name), found none") }
    return values
  }

  /// The keys and values of a mapping, as they stand.
  func entries() throws(PolicyError) -> [(StrictYAML, StrictYAML)] {
    guard case .mapping(let mapping) = node, node.tag == Tag(.map) else {
      throw refuse("expected a mapping, found \(found)")
    }
    return mapping.map { (StrictYAML(file: file, node: $0.key), StrictYAML(file: file, node: $0.value)) }
  }

  func sequence(upTo limit: Int) throws(PolicyError) -> [StrictYAML] {
    guard case .sequence(let sequence) = node, node.tag == Tag(.seq) else {
      throw refuse("expected a list, found \(found)")
    }
    guard (1...limit).contains(sequence.count) else {
      throw refuse("expected 1 to \(limit) entries, found \(sequence.count)")
    }
    return sequence.map { StrictYAML(file: file, node: $0) }
  }

  /// A text, quoted where YAML would read a number, a truth value or null.
  func word() throws(PolicyError) -> String {
    guard case .scalar(let scalar) = node, node.tag == Tag(.str) else {
      throw refuse("expected a text, found \(found)")
    }
    guard (1...StrictYAML.wordLimit).contains(scalar.string.utf8.count) else {
      throw refuse("expected a text of 1 to \(StrictYAML.wordLimit) bytes, found \(scalar.string.utf8.count)")
    }
    return scalar.string
  }

  func integer() throws(PolicyError) -> Int {
    guard case .scalar(let scalar) = node, node.tag == Tag(.int), let value = Int(scalar.string) else {
      throw refuse("expected a whole number, found \(found)")
    }
    return value
  }

  /// One of a closed list of words.
  func word<Word: RawRepresentable<String> & CaseIterable>(of: Word.Type) throws(PolicyError) -> Word {
    let text = try word()
    guard let value = Word(rawValue: text) else {
      throw refuse("expected one of \(StrictYAML.choice(of: Word.self, near: text)), found \(excerpt(text))")
    }
    return value
  }

  /// All words; of a long list those that begin as `text` does, up to its first dot.
  private static func choice<Word: RawRepresentable<String> & CaseIterable>(of: Word.Type, near text: String) -> String
  {
    let words = Word.allCases.map(\.rawValue)
    guard words.count > 32 else { return words.joined(separator: ", ") }
    let near = words.filter { $0.hasPrefix(text.prefix { $0 != "." } + ".") }
    return (near.isEmpty ? words.prefix(8) : near.prefix(32)).joined(separator: ", ") + ", …"
  }

  /// A list of words, each once.
  func words<Word: RawRepresentable<String> & CaseIterable & Hashable>(of: Word.Type) throws(PolicyError) -> Set<Word> {
    try set { entry throws(PolicyError) in try entry.word(of: Word.self) }
  }

  /// A list of values, each once.
  func set<Value: Hashable>(_ read: (StrictYAML) throws(PolicyError) -> Value) throws(PolicyError) -> Set<Value> {
    var values: Set<Value> = []
    for entry in try sequence(upTo: 256) {
      let value = try read(entry)
      guard values.insert(value).inserted else {
        throw entry.refuse("expected each entry once, found \(printable("\(value)")) twice")
      }
    }
    return values
  }

  private var found: String {
    switch node {
    case .mapping: "a mapping"
    case .sequence: "a list"
    case .scalar(let scalar): excerpt(scalar.string, upTo: 40)
    case .alias: "an alias"
    }
  }
}

// MARK: - What no parser shall meet

extension StrictYAML {
  private static func checkShape(_ text: String, file: String) throws(PolicyError) {
    var flows = 0
    for (index, line) in text.textLines.enumerated() {
      let bytes = Array(line.utf8)
      flows += bytes.count { $0 == UInt8(ascii: "[") || $0 == UInt8(ascii: "{") }
      if let problem = problem(of: bytes) { throw PolicyError(file: file, line: index + 1, problem) }
      guard flows <= flowLimit else {
        throw PolicyError(file: file, line: index + 1, "expected at most \(flowLimit) of [ and {, found more")
      }
    }
  }

  private static func problem(of line: [UInt8]) -> String? {
    if line.contains(where: { $0 < 0x20 || $0 == 0x7f }) {
      return "expected no tab or other control character, found one"
    }
    if line.prefix(while: { $0 == UInt8(ascii: " ") }).count > indentLimit {
      return "expected an indentation of at most \(indentLimit), found more"
    }
    for (offset, byte) in line.enumerated() {
      let next = offset + 1 < line.count ? line[offset + 1] : UInt8(ascii: " ")
      let before = offset > 0 ? line[offset - 1] : UInt8(ascii: " ")
      let startsToken = " [{,".utf8.contains(before)
      if byte == UInt8(ascii: "&") || byte == UInt8(ascii: "*"), startsToken, next != UInt8(ascii: " ") {
        return "expected neither anchor nor alias, found one (quote what is meant as text)"
      }
      if byte == UInt8(ascii: "?"), startsToken, next == UInt8(ascii: " ") {
        return "expected plain keys, found a key marked by ?"
      }
    }
    let dashes = zip(line, line.dropFirst()).count { $0 == UInt8(ascii: "-") && $1 == UInt8(ascii: " ") }
    return dashes > indentLimit ? "expected at most \(indentLimit) of \"- \" in a line, found more" : nil
  }

  private static func error(_ error: YamlError, file: String) -> PolicyError {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      PolicyError(file: file, line: mark.line, "expected YAML, found an error: \(problem)")
    case .duplicatedKeysInMapping(let duplicates, let context):
      PolicyError(
        file: file, line: context.mark.line,
        "expected each key once, found \(excerpt(duplicates.sorted().joined(separator: ", "))) twice")
    default: PolicyError(file: file, line: nil, "expected YAML, found something else")
    }
  }
}
