import Foundation
import HTTPTypes
import MusterModel

/// Reads JSON bodies strictly: what the type does not know is refused, for a field that is misspelt and passed over
/// would do something else than was asked for.
enum StrictJSON {
  static func decode<Value: Codable>(_ request: RoutedRequest) throws(Problem) -> Value {
    guard ESTBody.mediaType(request.headers.single(.contentType)) == "application/json" else {
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
      let known = try Fields(JSONEncoder().encode(value))
      if let unknown = try Fields(body).unknown(to: known) {
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

  /// JSON as far as its fields go. Not by a `Decoder`: its errors hold the path to where they are, so that what is deep and
  /// wide costs the product of both, minutes for 64 KiB.
  private struct Fields {
    private let value: Any

    init(_ json: Data) throws { value = try JSONSerialization.jsonObject(with: json, options: .fragmentsAllowed) }

    private init(value: Any) { self.value = value }

    /// The path of the first field that `known` has not, which bounds how deep it is looked for. A null says the same as
    /// an absent field.
    func unknown(to known: Fields, at path: String = "") -> String? {
      if let given = value as? [String: Any], let fields = known.value as? [String: Any] {
        for (name, value) in given.sorted(by: { $0.key < $1.key }) where !(value is NSNull) {
          guard let field = fields[name] else { return path + name }
          if let unknown = Fields(value: value).unknown(to: Fields(value: field), at: path + name + ".") {
            return unknown
          }
        }
      } else if let given = value as? [Any], let elements = known.value as? [Any] {
        return zip(given, elements).lazy
          .compactMap { Fields(value: $0).unknown(to: Fields(value: $1), at: path) }.first
      }
      return nil
    }
  }
}
