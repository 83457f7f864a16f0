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
  let body: [UInt8]
  /// The body of a route that reads it while it comes.
  let stream: RequestBody
  let peer: PeerIdentity

  /// What fills the place `name` of the route's path; a route asks for its own places alone.
  func parameter(_ name: String) throws(Problem) -> String {
    guard let value = parameters[name] else { throw .notFound }
    return value
  }
}
