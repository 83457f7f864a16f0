import MusterModel

/// The parameters of a query, `name=value` between `&`, each name once.
struct Query: Sendable, Hashable {
  static let limit = 32

  private let values: [String: String]

  init() { values = [:] }

  init(_ text: Substring) throws(Problem) {
    var values: [String: String] = [:]
    let pairs = text.split(separator: "&")
    guard pairs.count <= Query.limit else {
      throw .badRequest("query-malformed", "expected at most \(Query.limit) parameters, found \(pairs.count)")
    }
    for pair in pairs {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = PercentEncoding.decode(parts[0]), let value = PercentEncoding.decode(parts.last ?? ""),
        parts.count == 2, !name.isEmpty
      else { throw .badRequest("query-malformed", "expected name=value, percent-encoded") }
      guard values.updateValue(value, forKey: name) == nil else {
        throw .badRequest("query-malformed", "expected each parameter once, found one twice")
      }
    }
    self.values = values
  }

  subscript(name: String) -> String? { values[name] }

  /// Refuses parameters that the route does not know: a misspelt filter must not list everything.
  func check(known: Set<String>) throws(Problem) {
    guard let unknown = values.keys.filter({ !known.contains($0) }).min() else { return }
    let list = known.isEmpty ? "no parameters" : "parameters among " + known.sorted().joined(separator: ", ")
    throw .badRequest("parameter-unknown", "expected \(list), found \(excerpt(unknown, upTo: 64))")
  }

  /// A number in plain decimal digits within `range`; nil where the parameter is absent.
  func number<Number: FixedWidthInteger>(_ name: String, in range: ClosedRange<Number>) throws(Problem) -> Number? {
    guard let text = values[name] else { return nil }
    guard (1...20).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let number = Number(text), range.contains(number)
    else {
      throw .badRequest(
        "parameter-malformed",
        "expected \(name) between \(range.lowerBound) and \(range.upperBound), found \(excerpt(text, upTo: 32))")
    }
    return number
  }
}
