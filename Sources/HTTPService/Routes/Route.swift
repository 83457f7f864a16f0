import HTTPTypes

/// One route: what it answers, and who may ask. There is no route that names nobody, for there is no way to make one.
struct Route: Sendable {
  enum Access: Hashable, Sendable {
    case anyone
    /// A device, by a ticket, a maker's certificate or its own; the use case decides.
    case device
  }

  /// In which words a refusal is told.
  enum Manner: Sendable { case api, est }

  typealias Handler = @Sendable (RoutedRequest) async throws -> Answer

  let method: HTTPRequest.Method
  let pattern: PathPattern
  let access: Access
  let manner: Manner
  /// The query parameters that it knows.
  let parameters: Set<String>
  /// The longest body, in bytes; 0 for none.
  let bodyLimit: Int
  /// Whether the plain listener serves it too: public, and signed where it matters.
  let isPlain: Bool
  let handler: Handler

  /// As in `openapi.yaml`.
  var path: String { pattern.description }

  static let usualBodyLimit = 64 * 1024

  private init(
    _ access: Access, _ method: HTTPRequest.Method, _ path: String, manner: Manner, parameters: Set<String>,
    bodyLimit: Int, isPlain: Bool, handler: @escaping Handler
  ) {
    self.access = access
    self.method = method
    pattern = PathPattern(path)
    self.manner = manner
    self.parameters = parameters
    self.bodyLimit = method == .get ? 0 : bodyLimit
    self.isPlain = isPlain
    self.handler = handler
  }

  static func anyone(
    _ method: HTTPRequest.Method, _ path: String, manner: Manner = .api, parameters: Set<String> = [],
    bodyLimit: Int = usualBodyLimit, isPlain: Bool = false, _ handler: @escaping Handler
  ) -> Route {
    Route(
      .anyone, method, path, manner: manner, parameters: parameters, bodyLimit: bodyLimit, isPlain: isPlain,
      handler: handler)
  }

  static func device(
    _ method: HTTPRequest.Method, _ path: String, manner: Manner = .api, parameters: Set<String> = [],
    bodyLimit: Int = usualBodyLimit, _ handler: @escaping Handler
  ) -> Route {
    Route(
      .device, method, path, manner: manner, parameters: parameters, bodyLimit: bodyLimit, isPlain: false,
      handler: handler)
  }
}
