import Glibc
import MusterModel
import NIOCore
import NIOPosix
import NIOSSL

/// A connection that sends what it is told, to the byte, and keeps what it gets.
struct RawClient: Sendable {
  private let channel: any Channel
  private let received: NIOLoopBoundBox<Received>

  private struct Received {
    var bytes: [UInt8] = []
    /// Who waits for more.
    var waiting: [EventLoopPromise<Void>] = []

    mutating func wake() {
      for promise in waiting { promise.succeed() }
      waiting = []
    }
  }

  private final class Receiver: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    let box: NIOLoopBoundBox<Received>
    init(_ box: NIOLoopBoundBox<Received>) { self.box = box }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      box.value.bytes += unwrapInboundIn(data).readableBytesView
      box.value.wake()
    }
    func channelInactive(context: ChannelHandlerContext) { box.value.wake() }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
  }

  init(port: Int, tls: NIOSSLContext? = nil) async throws {
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    let box = NIOLoopBoundBox.makeBoxSendingValue(Received(), eventLoop: loop)
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
  func send(_ bytes: [UInt8]) async { try? await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }

  func send(_ text: String) async { await send(Array(text.utf8)) }

  func text() async throws -> String {
    String(decoding: try await channel.eventLoop.submit { [received] in received.value.bytes }.get(), as: UTF8.self)
  }

  /// What came until `read` makes something of it; nil where the service closed before.
  func until<Value: Sendable>(_ read: ([UInt8]) -> Value?) async throws -> Value? {
    while true {
      let (bytes, more) = try await channel.eventLoop.submit { [received, channel] in
        let more = channel.eventLoop.makePromise(of: Void.self)
        if channel.isActive { received.value.waiting.append(more) } else { more.succeed() }
        return (received.value.bytes, channel.isActive ? more.futureResult : nil)
      }.get()
      if let value = read(bytes) { return value }
      guard let more else { return nil }
      try await more.get()
    }
  }

  /// What came until the service closed.
  func untilClosed() async throws -> String {
    try await channel.closeFuture.get()
    return try await text()
  }

  /// What came until it holds `part`, or until the service closed.
  func until(_ part: String) async throws -> String {
    let found = try await until { bytes in
      let text = String(decoding: bytes, as: UTF8.self)
      return text.contains(part) ? text : nil
    }
    if let found { return found }
    return try await text()
  }

  /// Nothing more will be sent; what comes is still read.
  func finish() async throws { try await channel.close(mode: .output) }

  /// The connection is gone at once, by a reset.
  func abort() async throws {
    try await (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
    try await channel.close()
  }

  func close() async { try? await channel.close() }
}
