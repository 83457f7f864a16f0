import NIOCore
import NIOTLS

/// Holds a connection to its pace. Stands next to TLS, so that it sees bytes; the exchanges report to it.
final class ConnectionWatch: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private var pace: ConnectionPace
  private var timer: DeadlineTimer?

  init(limits: ConnectionLimits, isSecure: Bool) {
    pace = ConnectionPace(limits: limits, isSecure: isSecure, now: .now())
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let channel = context.channel
    timer = DeadlineTimer(eventLoop: context.eventLoop) { channel.close(promise: nil) }
    timer?.deadline = pace.deadline
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    timer?.cancel()
    timer = nil
  }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    change { $0.bytesRead(now: .now()) }
    context.fireChannelRead(data)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case TLSUserEvent.handshakeCompleted(let negotiated):
      change { $0.handshakeCompleted(hasFrames: negotiated == "h2", now: .now()) }
    case is ChannelShouldQuiesceEvent:
      change { $0.drain(now: .now()) }
    default: break
    }
    context.fireUserInboundEventTriggered(event)
  }

  /// Hummingbird closes an ending HTTP/2 connection with its last stream, before the last frames are flushed.
  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    context.flush()
    context.close(mode: mode, promise: promise)
  }

  func parsed(isHeadBegun: Bool) { change { $0.parsed(isHeadBegun: isHeadBegun) } }
  func exchangeOpened() { change { $0.exchangeOpened() } }
  func exchangeClosed() { change { $0.exchangeClosed(now: .now()) } }

  private func change(_ body: (inout ConnectionPace) -> Void) {
    body(&pace)
    timer?.deadline = pace.deadline
  }
}
