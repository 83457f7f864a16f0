import NIOCore
import NIOPosix
import NIOSSL

/// One connection with TLS that is kept open, and the certificate that it was shown. It trusts any: which it is shown is
/// what is asked.
struct TLSConnection: Sendable {
  private struct Seen {
    var leaf: [UInt8]?
    var bytes: [UInt8] = []
  }

  private final class Receiver: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    let seen: NIOLoopBoundBox<Seen>
    init(_ seen: NIOLoopBoundBox<Seen>) { self.seen = seen }
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      seen.value.bytes += Array(buffer: unwrapInboundIn(data))
    }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
  }

  private let channel: any Channel
  private let seen: NIOLoopBoundBox<Seen>
  /// DER; nil where none was shown.
  let leaf: [UInt8]?

  init(port: Int) async throws {
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    let seen = NIOLoopBoundBox<Seen>.makeBoxSendingValue(Seen(), eventLoop: loop)
    let context = try NIOSSLContext(configuration: .makeClientConfiguration())
    let channel = try await ClientBootstrap(group: loop)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let tls = try NIOSSLClientHandler(
            context: context, serverHostname: "localhost",
            customVerificationCallback: { certificates, promise in
              seen.value.leaf = try? certificates.first?.toDERBytes()
              promise.succeed(.certificateVerified)
            })
          try channel.pipeline.syncOperations.addHandlers([tls, Receiver(seen)])
        }
      }
      .connect(host: "127.0.0.1", port: port).get()
    // What is written waits for the handshake.
    try await channel.writeAndFlush(ByteBuffer())
    (self.channel, self.seen) = (channel, seen)
    leaf = try await loop.submit { seen.value.leaf }.get()
  }

  var isOpen: Bool { channel.isActive }

  /// The answer's text up to the end of its body, which is `live` and a line's end.
  func get(_ path: String) async throws -> String {
    try await loopValue { $0.bytes = [] }
    try await channel.writeAndFlush(ByteBuffer(string: "GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n"))
    var text = ""
    while !text.hasSuffix("live\n"), channel.isActive {
      await Task.yield()
      text = String(decoding: try await loopValue { $0.bytes }, as: UTF8.self)
    }
    return text
  }

  func close() async { try? await channel.close() }

  private func loopValue<Value: Sendable>(_ body: @escaping @Sendable (inout Seen) -> Value) async throws -> Value {
    try await channel.eventLoop.submit { [seen] in body(&seen.value) }.get()
  }
}
