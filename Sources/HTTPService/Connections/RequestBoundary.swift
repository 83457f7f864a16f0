/// Whether, behind requests that were received whole, bytes wait that begin another: the parser tells of a request only
/// once its head is there. A value, told what the parser made of each read and then of the read itself.
///
/// No part of a head holds an empty line. So where a message ends with one (its head, or its last chunk), a read that ends
/// otherwise has more; behind a body of a length, what is left of the read is more. Where these cannot be told apart it
/// says yes: the connection then has a head's time, and not an idle one's.
struct RequestBoundary {
  private enum Framing { case emptyLine, length }

  /// Whether a request's head is there and its end is not; and whether that was so before this read.
  private var (isReceiving, wasReceiving) = (false, false)
  private var framing = Framing.emptyLine
  /// Of this read: how many heads came to their end, and how many bytes the last body had.
  private var (heads, body) = (0, 0)
  /// The last bytes of the head that has begun: its empty line may begin in one read and end in the next.
  private var begun: [UInt8] = []

  /// A request's head is whole. `length` of its body; nil where it has none, or comes in chunks.
  mutating func headEnded(length: Int?) {
    (heads, body, isReceiving) = (heads + 1, 0, true)
    framing = (length ?? 0) > 0 ? .length : .emptyLine
  }

  mutating func bodyReceived(_ count: Int) { body += count }

  mutating func requestEnded() { isReceiving = false }

  /// The read that all this was of. Returns whether a next head has begun.
  mutating func wasRead(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
    let hasBegun = !isReceiving && hasMore(bytes)
    begun = hasBegun ? (begun + RequestBoundary.end(of: bytes)).suffix(3) : []
    (wasReceiving, heads, body) = (isReceiving, 0, 0)
    return hasBegun
  }

  private func hasMore(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
    guard heads > 0 || wasReceiving else { return true }
    switch framing {
    case .emptyLine: return !RequestBoundary.isEmptyLine((begun + RequestBoundary.end(of: bytes))[...])
    case .length:
      if heads == 0 { return body < bytes.count }
      guard heads == 1, !wasReceiving, let head = headLength(bytes) else { return true }
      return head + body < bytes.count
    }
  }

  /// From behind: the suffix that `+` asks a sequence for goes through all of it.
  private static func end<Bytes: BidirectionalCollection<UInt8>>(of bytes: Bytes) -> Bytes.SubSequence {
    bytes[(bytes.index(bytes.endIndex, offsetBy: -3, limitedBy: bytes.startIndex) ?? bytes.startIndex)...]
  }

  /// How many bytes of the read are the head that it is the first to end.
  private func headLength(_ bytes: some BidirectionalCollection<UInt8>) -> Int? {
    let all = begun + bytes
    return (begun.count..<all.count).first { all[$0] == UInt8(ascii: "\n") && RequestBoundary.isEmptyLine(all[...$0]) }
      .map { $0 + 1 - begun.count }
  }

  /// Whether lines end with an empty one: the parser takes LF for CRLF in places.
  private static func isEmptyLine(_ end: ArraySlice<UInt8>) -> Bool {
    end.suffix(3).elementsEqual("\n\r\n".utf8) || end.suffix(2).elementsEqual("\n\n".utf8)
  }
}
