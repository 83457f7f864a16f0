import HTTPTypes
import HummingbirdCore
import NIOCore
import NIOHTTPTypes

/// Answers a request of HTTP/1.1 that came in one read on the event loop that read it, without the queues and wake-ups of a
/// task that waits for its parts: most requests are as short as that. What comes in several reads is handed on to
/// Hummingbird, and so is one that ends its connection.
final class PromptExchanges: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  private let peer: PeerIdentity
  private let reply: PeerReplier
  private let executor: LoopExecutor
  private var turns = ExchangeTurns()
  private var isRemoved = false
  private var ending: EventLoopPromise<Void>?
  /// How many requests are worked on: the next may begin before the one before has noticed that its answer is taken.
  private var working = 0
  private var work: Task<Void, Never>?
  private var owesRead = false

  init(eventLoop: any EventLoop, peer: PeerIdentity, reply: @escaping PeerReplier) {
    self.peer = peer
    self.reply = reply
    executor = LoopExecutor(eventLoop)
  }

  func handlerAdded(context: ChannelHandlerContext) { ending = context.eventLoop.makePromise() }

  func handlerRemoved(context: ChannelHandlerContext) {
    isRemoved = true
    settle()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) { came(.part(unwrapInboundIn(data)), context) }

  func channelReadComplete(context: ChannelHandlerContext) { came(.readComplete, context) }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) { came(.event(event), context) }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { came(.failure(error), context) }

  func channelInactive(context: ChannelHandlerContext) {
    turns.abandon()
    context.fireChannelInactive()
  }

  /// Whoever sends many requests and takes no answer is not read from.
  func read(context: ChannelHandlerContext) {
    if turns.mayRead { context.read() } else { owesRead = true }
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard case .end = unwrapOutboundIn(data) else { return context.write(data, promise: promise) }
    let taken = promise ?? context.eventLoop.makePromise()
    let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
    taken.futureResult.whenComplete { _ in bound.value.turns.handedOnAnswered() }
    context.write(data, promise: taken)
  }

  private func came(_ arrival: ExchangeTurns.Arrival, _ context: ChannelHandlerContext) {
    switch turns.came(arrival) {
    case .wait: break
    case .handOn(let arrivals): for arrival in arrivals { handOn(arrival, context) }
    case .answer(let head, let body): answer(Request(head: head, body: RequestBody(buffer: body)), context)
    }
  }

  private func handOn(_ arrival: ExchangeTurns.Arrival, _ context: ChannelHandlerContext) {
    switch arrival {
    case .part(let part): context.fireChannelRead(wrapInboundOut(part))
    case .readComplete: context.fireChannelReadComplete()
    case .event(let event): context.fireUserInboundEventTriggered(event)
    case .failure(let error): context.fireErrorCaught(error)
    }
  }

  // MARK: - A whole request

  private func answer(_ request: Request, _ context: ChannelHandlerContext) {
    working += 1
    let bound = NIOLoopBound((exchanges: self, context: context), eventLoop: context.eventLoop)
    // Begun behind the read: an answer within it would come before the connection's watch knows what was read.
    work = Task(executorPreference: executor) { [peer, reply] in
      do {
        let reply = try await reply(request, peer)
        if let body = reply.wholeBody {
          bound.value.exchanges.send(reply, body, bound)
        } else {
          bound.value.context.writeAndFlush(NIOAny(HTTPResponsePart.head(reply.head)), promise: nil)
          try await reply.body.write(PieceWriter(bound: bound, exchange: reply.exchange))
        }
      } catch {
        bound.value.context.close(promise: nil)
      }
      bound.value.exchanges.worked()
    }
  }

  fileprivate typealias Bound = NIOLoopBound<(exchanges: PromptExchanges, context: ChannelHandlerContext)>

  private func send(_ reply: Reply, _ body: [UInt8], _ bound: Bound) {
    let context = bound.value.context
    context.write(wrapOutboundOut(.head(reply.head)), promise: nil)
    if !body.isEmpty { context.write(wrapOutboundOut(.body(ByteBuffer(bytes: body))), promise: nil) }
    end(bound, reply.exchange)
  }

  /// The exchange stands, and the next waits, until its answer is taken.
  @discardableResult
  fileprivate func end(
    _ bound: Bound, _ exchange: Exchange, trailing fields: HTTPFields? = nil
  ) -> EventLoopFuture<Void> {
    let taken = bound.value.context.eventLoop.makePromise(of: Void.self)
    bound.value.context.writeAndFlush(wrapOutboundOut(.end(fields)), promise: taken)
    taken.futureResult.whenComplete { result in
      withExtendedLifetime(exchange) { bound.value.exchanges.answered(result, bound.value.context) }
    }
    return taken.futureResult
  }

  private func answered(_ result: Result<Void, any Error>, _ context: ChannelHandlerContext) {
    switch result {
    case .success: turns.answered()
    case .failure:
      turns.abandon()
      context.close(promise: nil)
    }
    while let arrival = turns.next() { came(arrival, context) }
    if owesRead, turns.mayRead {
      owesRead = false
      context.read()
    }
  }

  private func worked() {
    working -= 1
    settle()
  }

  private func settle() {
    if isRemoved, working == 0 { ending?.succeed() }
  }
}

extension PromptExchanges {
  /// Returns once the connection is gone and nothing is worked on for it any more; cancelled, it cancels that.
  struct Completion: Sendable {
    private let ended: EventLoopFuture<Void>
    private let exchanges: NIOLoopBound<PromptExchanges>

    /// On the event loop of a channel that has them. Throws where it was closed meanwhile.
    init(of channel: any Channel) throws {
      let found = try channel.pipeline.syncOperations.handler(type: PromptExchanges.self)
      guard let ending = found.ending else { throw ChannelError.ioOnClosedChannel }
      ended = ending.futureResult
      exchanges = NIOLoopBound(found, eventLoop: channel.eventLoop)
    }

    func wait() async throws {
      try await withTaskCancellationHandler {
        try await ended.get()
      } onCancel: {
        ended.eventLoop.execute { exchanges.value.work?.cancel() }
      }
    }
  }
}

/// Writes an answer in pieces, each once the one before is taken.
private struct PieceWriter: ResponseBodyWriter {
  let bound: PromptExchanges.Bound
  let exchange: Exchange

  func write(_ buffer: ByteBuffer) async throws {
    try await bound.value.context.writeAndFlush(NIOAny(HTTPResponsePart.body(buffer))).get()
  }

  func finish(_ trailingHeaders: HTTPFields?) async throws {
    try await bound.value.exchanges.end(bound, exchange, trailing: trailingHeaders).get()
  }
}
