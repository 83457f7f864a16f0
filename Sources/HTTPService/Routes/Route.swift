import Enrollment
import HTTPTypes
import Policy

/// One route: what it answers, and who may ask. There is no route that names nobody, for there is no way to make one.
/// An object, for a request and what is noted of it hold it.
final class Route: Sendable {
  enum Access: Hashable, Sendable, CustomStringConvertible {
    case anyone
    /// A device, by a ticket, a maker's certificate or its own; the use case decides.
    case device
    /// Who `access.yaml` allows this.
    case operation(Policy.Operation)

    /// As `x-muster-access` says it in `openapi.yaml`.
    var description: String {
      switch self {
      case .anyone: "anyone"
      case .device: "device"
      case .operation(let operation): operation.rawValue
      }
    }
  }

  /// In which words a refusal is told.
  enum Manner: Sendable { case api, est }

  /// What may vary between routes; most leave it as it is.
  struct Shape: Sendable {
    var manner = Manner.api
    /// The query parameters that it knows.
    var parameters: Set<String> = []
    /// The longest body, in bytes.
    var bodyLimit = 64 * 1024
    /// Whether the handler reads the body itself, while it comes.
    var isStreamed = false
    /// Whether the plain listener serves it too: public, and signed where it matters.
    var isPlain = false

    static let usual = Shape()
    static let paged = Shape(parameters: ["limit", "after"])
  }

  typealias Handler = @Sendable (RoutedRequest) async throws -> Answer
  /// The caller was identified; whether the operation is allowed is for the use case, which knows the record's group.
  typealias KnownHandler = @Sendable (RoutedRequest, Caller) async throws -> Answer

  enum Work: Sendable {
    case open(Handler)
    case known(Policy.Operation, KnownHandler)
  }

  let access: Access
  let method: HTTPRequest.Method
  let pattern: PathPattern
  let shape: Shape
  let work: Work

  /// As in `openapi.yaml`.
  var path: String { pattern.description }
  /// 0 where there is no body to be read.
  var bodyLimit: Int { method == .get || method == .delete ? 0 : shape.bodyLimit }

  private init(_ access: Access, _ method: HTTPRequest.Method, _ path: String, _ shape: Shape, _ work: Work) {
    self.access = access
    self.method = method
    pattern = PathPattern(path)
    self.shape = shape
    self.work = work
  }

  static func anyone(
    _ method: HTTPRequest.Method, _ path: String, _ shape: Shape = .usual, _ handler: @escaping Handler
  ) -> Route { Route(.anyone, method, path, shape, .open(handler)) }

  static func device(
    _ method: HTTPRequest.Method, _ path: String, _ shape: Shape = .usual, _ handler: @escaping Handler
  ) -> Route { Route(.device, method, path, shape, .open(handler)) }

  static func operation(
    _ operation: Policy.Operation, _ method: HTTPRequest.Method, _ path: String, _ shape: Shape = .usual,
    _ handler: @escaping KnownHandler
  ) -> Route { Route(.operation(operation), method, path, shape, .known(operation, handler)) }
}
