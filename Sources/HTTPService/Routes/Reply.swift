import HTTPTypes
import HummingbirdCore
import NIOCore

/// An answer as it is sent. The request is in hand until it is.
struct Reply: Sendable {
  let head: HTTPResponse
  let exchange: Exchange
  private let answer: Answer

  init(_ answer: Answer, to exchange: Exchange) {
    head = Reply.head(of: answer, exchange)
    self.exchange = exchange
    self.answer = answer
    // What was not read is not held while the answer is on its way.
    _ = exchange.takeBody()
  }

  private static func head(of answer: Answer, _ exchange: Exchange) -> HTTPResponse {
    var head = HTTPResponse(status: answer.status, headerFields: answer.headers)
    if answer.status != .noContent, answer.status != .notModified, answer.stream == nil {
      head.headerFields[.contentLength] = String(answer.body.count)
    }
    head.headerFields[.date] = HTTPDate.text(exchange.at)
    head.headerFields[.requestID] = exchange.id.text
    head.headerFields[.contentTypeOptions] = "nosniff"
    if head.headerFields[.cacheControl] == nil { head.headerFields[.cacheControl] = "no-store" }
    return head
  }

  /// How much of an answer is handed to the connection at a time: who asks for a CRL and does not take it holds this much,
  /// and not a copy of the CRL.
  private static let piece = 64 * 1024

  /// The body where it is short enough to be handed over whole; nil where it is not.
  var wholeBody: [UInt8]? {
    guard exchange.head.method != .head else { return [] }
    return answer.stream == nil && answer.body.count <= Reply.piece ? answer.body : nil
  }

  var body: ResponseBody {
    if let wholeBody {
      return wholeBody.isEmpty ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: wholeBody))
    }
    if let stream = answer.stream { return ResponseBody(stream) }
    let bytes = answer.body
    return ResponseBody(contentLength: bytes.count) { writer in
      for start in stride(from: 0, to: bytes.count, by: Reply.piece) {
        try await writer.write(ByteBuffer(bytes: bytes[start..<min(start + Reply.piece, bytes.count)]))
      }
      try await writer.finish(nil)
    }
  }

  func write(with writer: consuming ResponseWriter) async throws {
    defer { withExtendedLifetime(exchange) {} }
    try await writer.write(response: head, body: body)
  }
}
