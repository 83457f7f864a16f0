import NIOCore
import NIOSSL
import MusterTesting

/// A frame of HTTP/2 (RFC 9113 §4.1), as it is sent: nothing is checked.
struct Frame: Sendable, Hashable {
  enum Kind: UInt8 { case data, headers, priority, reset, settings, push, ping, goAway, windowUpdate, continuation }

  static let endStream: UInt8 = 1
  static let endHeaders: UInt8 = 4

  let kind: Kind
  var flags: UInt8 = 0
  var stream: UInt32 = 0
  var payload: [UInt8] = []

  init(_ kind: Kind, _ flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) {
    (self.kind, self.flags, self.stream, self.payload) = (kind, flags, stream, payload)
  }

  var bytes: [UInt8] {
    let count = payload.count
    return [UInt8(count >> 16), UInt8(count >> 8 & 255), UInt8(count & 255), kind.rawValue, flags]
      + Frame.number(stream)
      + payload
  }

  static func number(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(value >> (24 - 8 * $0) & 255) } }

  /// The whole frames of `bytes`; those of other kinds are passed over.
  static func read(_ bytes: [UInt8]) -> [Frame] {
    var frames: [Frame] = []
    var rest = bytes[...]
    while rest.count >= 9 {
      let head = Array(rest.prefix(9))
      let count = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
      guard rest.count >= 9 + count else { break }
      let stream = head[5...8].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      if let kind = Kind(rawValue: head[3]) {
        frames.append(Frame(kind, head[4], stream: stream, Array(rest.dropFirst(9).prefix(count))))
      }
      rest = rest.dropFirst(9 + count)
    }
    return frames
  }

  /// A request's head, its fields as HPACK's literals (RFC 7541 §6.2.2).
  static func request(_ method: String, _ path: String, stream: UInt32, flags: UInt8 = endHeaders) -> Frame {
    let method: UInt8 = method == "GET" ? 0x82 : 0x83
    return Frame(.headers, flags, stream: stream, [method, 0x87, 0x01] + text("localhost") + [0x04] + text(path))
  }

  /// A string literal (RFC 7541 §5.2), not Huffman-coded.
  static func text(_ text: String) -> [UInt8] {
    var length: [UInt8] = []
    var rest = text.utf8.count
    if rest < 127 {
      length = [UInt8(rest)]
    } else {
      length = [127]
      rest -= 127
      while rest > 127 {
        length.append(UInt8(rest & 127 | 128))
        rest >>= 7
      }
      length.append(UInt8(rest))
    }
    return length + text.utf8
  }
}

/// An HTTP/2 connection that sends the frames it is told, and keeps those that it gets.
struct FrameClient: Sendable {
  private let client: RawClient

  /// Once both sides have sent their settings.
  init(_ service: RunningService) async throws {
    client = try await RawClient(port: service.port, tls: try service.clientContext(protocols: ["h2"]))
    await client.send(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + Frame(.settings).bytes)
    _ = try await until { $0.kind == .settings }
  }

  var isOpen: Bool { client.isOpen }

  func send(_ frames: [Frame]) async { await client.send(frames.flatMap(\.bytes)) }

  /// The frames that came until one is as asked for, that one last; nil where the service closed before.
  func until(_ isSought: (Frame) -> Bool) async throws -> [Frame]? {
    try await client.until { bytes in
      let frames = Frame.read(bytes)
      return frames.firstIndex(where: isSought).map { Array(frames[...$0]) }
    }
  }

  /// What the stream is answered, once it is there whole.
  func answer(on stream: UInt32) async throws -> String? {
    let frames = try await until { $0.stream == stream && $0.flags & Frame.endStream != 0 && $0.kind != .reset }
    let body = frames?.filter { $0.stream == stream && $0.kind == .data }.flatMap(\.payload)
    return body.map { String(decoding: $0, as: UTF8.self) }
  }

  func untilClosed() async throws { _ = try await client.untilClosed() }
  func close() async { await client.close() }
}
