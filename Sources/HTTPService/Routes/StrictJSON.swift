import Foundation
import HTTPTypes
import MusterModel

/// Reads JSON bodies strictly: what the type does not know is refused, for a field that is misspelt and passed over
/// would do something else than was asked for.
enum StrictJSON {
  static func decode<Value: Codable>(_ request: RoutedRequest) throws(Problem) -> Value {
    guard ESTBody.mediaType(request.headers[.contentType]) == "application/json" else {
      throw Problem(
        .unsupportedMediaType, "content-type-unsupported", detail: "expected application/json")
    }
    return try decode(Data(request.body))
  }

  /// The same; an empty body stands for an object without fields.
  static func decodeOptional<Value: Codable>(_ request: RoutedRequest) throws(Problem) -> Value {
    request.body.isEmpty ? try decode(Data("{}".utf8)) : try decode(request)
  }

  static func decode<Value: Codable>(_ body: Data) throws(Problem) -> Value {
    do {
      let value = try JSONDecoder().decode(Value.self, from: body)
      let given = try JSONDecoder().decode(Tree.self, from: body)
      let known = try JSONDecoder().decode(Tree.self, from: JSONEncoder().encode(value))
      if let unknown = given.unknown(to: known, at: "") {
        throw Problem.badRequest(
          "field-unknown", "expected fields that openapi.yaml names, found \(excerpt(unknown, upTo: 64))")
      }
      return value
    } catch let problem as Problem {
      throw problem
    } catch let error as DecodingError {
      throw .badRequest("json-malformed", words(error))
    } catch {
      throw .badRequest("json-malformed", "expected JSON")
    }
  }

  private static func words(_ error: DecodingError) -> String {
    func place(_ context: DecodingError.Context) -> String {
      context.codingPath.isEmpty ? "the body" : context.codingPath.map(\.stringValue).joined(separator: ".")
    }
    return switch error {
    case .keyNotFound(let key, _): "expected the field \(key.stringValue), found it absent"
    case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
      "expected \(type) in \(place(context)), found another type"
    case .dataCorrupted(let context): "expected JSON that can be read in \(place(context))"
    @unknown default: "expected JSON"
    }
  }

  /// JSON as far as its shape goes.
  private enum Tree: Decodable {
    case object([String: Tree])
    case array([Tree])
    case null
    case leaf

    init(from decoder: any Decoder) throws {
      if let object = try? decoder.container(keyedBy: AnyKey.self) {
        let pairs = try object.allKeys.map { ($0.stringValue, try object.decode(Tree.self, forKey: $0)) }
        self = .object(Dictionary(pairs) { first, _ in first })
      } else if var array = try? decoder.unkeyedContainer() {
        var elements: [Tree] = []
        while !array.isAtEnd { elements.append(try array.decode(Tree.self)) }
        self = .array(elements)
      } else {
        self = try decoder.singleValueContainer().decodeNil() ? .null : .leaf
      }
    }

    /// The path of the first field that `known` has not. A null says the same as an absent field.
    func unknown(to known: Tree, at path: String) -> String? {
      switch (self, known) {
      case (.object(let given), .object(let fields)):
        for (name, value) in given.sorted(by: { $0.key < $1.key }) {
          if case .null = value { continue }
          guard let field = fields[name] else { return path + name }
          if let unknown = value.unknown(to: field, at: path + name + ".") { return unknown }
        }
        return nil
      case (.array(let given), .array(let elements)):
        return zip(given, elements).lazy.compactMap { $0.unknown(to: $1, at: path) }.first
      default: return nil
      }
    }
  }

  private struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }
}
