import HTTPTypes
import HummingbirdCore
import MusterModel

/// A request that found its route: what was sent, in bounds, and by whom as far as the connection shows it.
struct RoutedRequest: Sendable {
  let parameters: [String: String]
  let query: Query
  /// Empty until `readBody`; on a route that reads it while it comes, for ever.
  private(set) var body: [UInt8] = []
  private let exchange: Exchange
  private let bodyLimit: Int

  init(_ exchange: Exchange, _ target: RequestTarget, _ route: Route, parameters: [String: String]) {
    self.exchange = exchange
    self.parameters = parameters
    query = target.query
    bodyLimit = route.bodyLimit
  }

  var id: RequestID { exchange.id }
  var at: Timestamp { exchange.at }
  var method: HTTPRequest.Method { exchange.head.method }
  /// As it was sent.
  var target: String { exchange.head.path ?? "" }
  var headers: HTTPFields { exchange.head.headerFields }
  /// The body of a route that reads it while it comes; it is there once.
  func takeStream() -> RequestBody { exchange.takeBody() }
  var peer: PeerIdentity { exchange.peer }

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
    if let announced = headers.announcedLength, announced > bodyLimit {
      throw Problem.tooLarge(limit: bodyLimit)
    }
    var whole = self
    do {
      for try await piece in takeStream() {
        guard whole.body.count + piece.readableBytes <= bodyLimit else { throw Problem.tooLarge(limit: bodyLimit) }
        guard exchange.admit(piece.readableBytes) else { throw Problem.busy }
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
