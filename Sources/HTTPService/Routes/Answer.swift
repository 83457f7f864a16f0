import Foundation
import HummingbirdCore
public import HTTPTypes
import MusterModel
import NIOCore

/// A response: status, fields and body.
public struct Answer: Sendable {
  public var status: HTTPResponse.Status
  public var headers: HTTPFields
  public var body: [UInt8]
  /// Writes a body that is made while it is sent; then there is no other, and no length.
  var stream: (@Sendable (inout any ResponseBodyWriter) async throws -> Void)?

  public init(_ status: HTTPResponse.Status, headers: HTTPFields = [:], body: [UInt8] = []) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  public init(_ status: HTTPResponse.Status = .ok, type: String, _ body: some Sequence<UInt8>) {
    self.init(status, headers: [.contentType: type], body: Array(body))
  }

  /// Pieces by their index from 0, until there is none: for what is too long to be held whole. Each is read once the one
  /// before is on its way; what fails then breaks the answer off, for its status is gone already.
  static func pieces(type: String, _ piece: @escaping @Sendable (UInt64) async throws -> [UInt8]?) -> Answer {
    var answer = Answer(type: type, [])
    answer.stream = { writer in
      var index: UInt64 = 0
      while let bytes = try await piece(index) {
        try await writer.write(ByteBuffer(bytes: bytes))
        index += 1
      }
      try await writer.finish(nil)
    }
    return answer
  }

  public static let noContent = Answer(.noContent)

  public static func text(_ text: String) -> Answer { Answer(type: "text/plain; charset=utf-8", text.utf8) }

  /// JSON with sorted keys.
  public static func json(_ value: some Encodable, _ status: HTTPResponse.Status = .ok) throws -> Answer {
    Answer(status, type: "application/json", try JSONCoding.encoder().encode(value))
  }

  public func adding(_ name: HTTPField.Name, _ value: String) -> Answer {
    var answer = self
    answer.headers[name] = value
    return answer
  }
}

extension Answer {
  /// A problem in the manner of its route.
  init(_ problem: Problem, manner: Route.Manner, instance: RequestID) {
    switch manner {
    case .api:
      let document = ProblemDocument(problem, instance: instance)
      let body = (try? JSONCoding.encoder().encode(document)).map(Array.init) ?? []
      self.init(problem.status, headers: problem.headers, body: body)
      headers[.contentType] = "application/problem+json"
    case .est:
      let reason = problem.detail ?? problem.title
      self.init(
        problem.status, headers: problem.headers, body: Array("\(problem.code): \(reason) (\(instance))\n".utf8))
      headers[.contentType] = "text/plain; charset=utf-8"
    }
  }
}

extension HTTPField.Name {
  static let requestID = HTTPField.Name("X-Request-ID")!
  static let idempotencyKey = HTTPField.Name("Idempotency-Key")!
  static let musterPosition = HTTPField.Name("Muster-Position")!
  static let contentTypeOptions = HTTPField.Name("X-Content-Type-Options")!
  static let contentTransferEncoding = HTTPField.Name("Content-Transfer-Encoding")!
}
