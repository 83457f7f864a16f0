import MusterModel
import NIOCore
import NIOPosix
import NIOSSL

/// A connection that sends what it is told, to the byte, and keeps what it gets.
struct RawClient: Sendable {
  private let channel: any Channel
  private let received: NIOLoopBoundBox<[UInt8]>

  private final class Receiver: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    let box: NIOLoopBoundBox<[UInt8]>
    init(_ box: NIOLoopBoundBox<[UInt8]>) { self.box = box }
    func channelRead(context: ChannelHandlerContext, data: NIOAny) { box.value += Array(buffer: unwrapInboundIn(data)) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
  }

  init(port: Int, tls: NIOSSLContext? = nil) async throws {
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    let box = NIOLoopBoundBox<[UInt8]>.makeBoxSendingValue([], eventLoop: loop)
    received = box
    channel = try await ClientBootstrap(group: loop)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          if let tls {
            try channel.pipeline.syncOperations.addHandler(
              NIOSSLClientHandler(context: tls, serverHostname: "localhost"))
          }
          try channel.pipeline.syncOperations.addHandler(Receiver(box))
        }
      }
      .connect(host: "127.0.0.1", port: port).get()
  }

  var isOpen: Bool { channel.isActive }

  /// A failed write is no news: the service may have closed.
  func send(_ text: String) async { try? await channel.writeAndFlush(ByteBuffer(string: text)) }

  func text() async throws -> String {
    try await channel.eventLoop.submit { [received] in String(decoding: received.value, as: UTF8.self) }.get()
  }

  /// What came until the service closed.
  func untilClosed() async throws -> String {
    try await channel.closeFuture.get()
    return try await text()
  }

  /// What came until it holds `part`, or until the service closed.
  func until(_ part: String) async throws -> String {
    var all = try await text()
    while !all.contains(part), channel.isActive {
      await Task.yield()
      all = try await text()
    }
    return all
  }

  func close() async { try? await channel.close() }
}
