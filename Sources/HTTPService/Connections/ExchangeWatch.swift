import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Holds the exchanges of an HTTP/1.1 connection or an HTTP/2 stream to their pace. A request that is answered before
/// it was received ends the connection: `Connection: close`, the rest read within bounds, then closed (RFC 9112 §9.3).
final class ExchangeWatch: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  private var pace: ExchangePace
  private let hasFrames: Bool
  private var isLast = false
  /// A request came behind the last one that is answered: it and what follows are dropped (RFC 9112 §9.6).
  private var isDeaf = false
  private var timer: DeadlineTimer?
  private var connection: ConnectionWatch?
  /// Of HTTP/1.1.
  private var boundary: RequestBoundaryWatch?

  init(limits: ConnectionLimits, hasFrames: Bool) {
    pace = ExchangePace(limits: limits)
    self.hasFrames = hasFrames
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let channel = context.channel
    timer = DeadlineTimer(eventLoop: context.eventLoop) { channel.close(promise: nil) }
    let carrier = hasFrames ? channel.parent : channel
    connection = try? carrier?.pipeline.syncOperations.handler(type: ConnectionWatch.self)
    boundary = try? channel.pipeline.syncOperations.handler(type: RequestBoundaryWatch.self)
  }

  func handlerRemoved(context: ChannelHandlerContext) { leave() }

  func channelInactive(context: ChannelHandlerContext) {
    leave()
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let part = unwrapInboundIn(data)
    if case .head = part, isLast { isDeaf = true }
    guard !isDeaf else { return }
    switch part {
    case .head(let head):
      pace.requestBegan(now: .now())
      connection?.exchangeOpened()
      boundary?.headEnded(length: head.headerFields.announcedLength)
    case .body(let bytes):
      pace.requestBody(bytes.readableBytes)
      boundary?.bodyReceived(bytes.readableBytes)
    case .end:
      pace.requestEnded()
      boundary?.requestEnded()
    }
    context.fireChannelRead(data)
    settle(context)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    switch unwrapOutboundIn(data) {
    case .head(let head): context.write(wrapOutboundOut(.head(begun(head))), promise: promise)
    case .body(let bytes):
      pace.answerBody(bytes.readableBytes)
      context.write(data, promise: promise)
    case .end:
      let written = promise ?? context.eventLoop.makePromise()
      let bound = NIOLoopBound((watch: self, context: context), eventLoop: context.eventLoop)
      written.futureResult.whenComplete { _ in bound.value.watch.answered(bound.value.context) }
      context.write(data, promise: written)
    }
    timer?.deadline = pace.deadline
  }

  private func begun(_ head: HTTPResponse) -> HTTPResponse {
    guard head.status.kind != .informational, pace.answerBegan(now: .now()) else { return head }
    isLast = true
    var head = head
    // HTTP/2 has no such field (RFC 9113 §8.2.2); its stream ends by itself.
    if !hasFrames { head.headerFields[.connection] = "close" }
    return head
  }

  private func answered(_ context: ChannelHandlerContext) {
    guard pace.open > 0, timer != nil else { return }
    pace.answerEnded(now: .now())
    connection?.exchangeClosed()
    settle(context)
  }

  private func settle(_ context: ChannelHandlerContext) {
    timer?.deadline = pace.deadline
    if pace.mustClose || isLast && pace.isComplete { context.close(promise: nil) }
  }

  /// The channel is gone, and what was open with it.
  private func leave() {
    for _ in 0..<pace.open { connection?.exchangeClosed() }
    pace.abandon()
    timer?.cancel()
    timer = nil
    connection = nil
    boundary = nil
  }
}
