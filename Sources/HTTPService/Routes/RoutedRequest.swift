import HTTPTypes
import HummingbirdCore
import MusterModel

/// A request that found its route: what was sent, in bounds, and by whom as far as the connection shows it.
struct RoutedRequest: Sendable {
  let id: RequestID
  let at: Timestamp
  let method: HTTPRequest.Method
  /// As it was sent.
  let target: String
  let parameters: [String: String]
  let query: Query
  let headers: HTTPFields
  /// Empty until `readBody`; on a route that reads it while it comes, for ever.
  private(set) var body: [UInt8] = []
  /// The body of a route that reads it while it comes.
  let stream: RequestBody
  let peer: PeerIdentity
  private let bodyLimit: Int
  private let held: HeldBody

  init(
    _ exchange: Dispatcher.Exchange, _ target: RequestTarget, _ route: Route, parameters: [String: String]
  ) {
    id = exchange.id
    at = exchange.at
    method = exchange.request.method
    self.target = exchange.request.head.path ?? ""
    self.parameters = parameters
    query = target.query
    headers = exchange.request.headers
    stream = exchange.request.body
    peer = exchange.peer
    bodyLimit = route.bodyLimit
    held = exchange.held
  }

  /// What fills the place `name` of the route's path; a route asks for its own places alone.
  func parameter(_ name: String) throws(Problem) -> String {
    guard let value = parameters[name] else { throw .notFound }
    return value
  }
}

extension RoutedRequest {
  /// The connection broke while the body was read: nobody is there to be told.
  struct BodyLost: Error { let cause: any Error }

  /// The same with its body, once it is there whole. Throws `Problem` where it is too long, or too much waits already, and
  /// `BodyLost`.
  func readBody() async throws -> RoutedRequest {
    guard bodyLimit > 0 else { return self }
    if let announced = headers[.contentLength].flatMap({ Int($0) }), announced > bodyLimit {
      throw Problem.tooLarge(limit: bodyLimit)
    }
    var whole = self
    do {
      for try await piece in stream {
        guard whole.body.count + piece.readableBytes <= bodyLimit else { throw Problem.tooLarge(limit: bodyLimit) }
        guard held.admit(piece.readableBytes) else { throw Problem.busy }
        whole.body += piece.readableBytesView
      }
    } catch let problem as Problem {
      throw problem
    } catch {
      throw BodyLost(cause: error)
    }
    return whole
  }
}
