import AsyncHTTPClient
import NIOCore

/// The lines of an answer, one after another.
struct AnswerLines {
  private var body: HTTPClientResponse.Body.AsyncIterator
  private var pending: [UInt8] = []
  private var lines: ArraySlice<[UInt8]> = []

  /// In bytes: more is no line.
  private static let limit = 65_536

  init(_ body: HTTPClientResponse.Body) { self.body = body.makeAsyncIterator() }

  mutating func next() async throws -> [UInt8]? {
    while lines.isEmpty {
      guard pending.count <= AnswerLines.limit, let piece = try await body.next() else { return nil }
      var whole = (pending + Array(piece.readableBytesView)).split(
        separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      pending = Array(whole.removeLast())
      lines = whole.map { Array($0) }[...]
    }
    return lines.popFirst()
  }
}
