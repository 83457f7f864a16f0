import HummingbirdCore
import HummingbirdHTTP2
import Logging
import NIOCore
import NIOSSL
import NIOTLS

/// What one request of one peer is answered.
typealias PeerReplier = @Sendable (Request, PeerIdentity) async throws -> Reply

/// How a connection is set up: counted, secured by TLS, watched, and then HTTP/1.1 or HTTP/2 as negotiated. On the
/// plain listener there is no TLS and HTTP/1.1 alone.
struct ConnectionChannel: ServerChildChannel {
  /// What BoringSSL's callback saw; filled during the handshake, on the connection's event loop.
  private typealias Presented = NIOLoopBoundBox<[[UInt8]]>

  /// The channel as negotiated, with a responder that knows the peer.
  enum Negotiated: Sendable {
    case http1(HTTP1Channel, HTTP1Channel.Value, PromptExchanges.Completion)
    case http2(HTTP2Channel, HTTP2Channel.Value)
  }

  struct Value: ServerChildChannelValue {
    let channel: any Channel
    /// Succeeds once somebody handles the connection. Nothing is made before that has to be consumed: a connection that
    /// is accepted while the server ends is handled by nobody, and an async channel that is dropped ends the process.
    let begin: EventLoopPromise<Void>
    let ready: EventLoopFuture<Negotiated>
  }

  let limits: ConnectionLimits
  let census: NetworkCensus
  /// nil for the plain listener.
  let credential: CurrentCredential?
  let reply: PeerReplier

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
    channel.eventLoop.makeCompletedFuture {
      guard let source = channel.remoteAddress.flatMap(SourceAddress.init), census.admit(source.network) else {
        channel.close(promise: nil)
        throw ConnectionRefusal.tooMany
      }
      // What one read brought is parsed before anything of it can be held back: 64 KiB, and not four times that.
      try channel.syncOptions?.setOption(.maxMessagesPerRead, value: 1)
      let begin = channel.eventLoop.makePromise(of: Void.self)
      channel.closeFuture.whenComplete { _ in
        census.leave(source.network)
        begin.fail(ChannelError.ioOnClosedChannel)
      }
      guard let credential else { return try plain(channel, source, begin, logger) }
      return try secure(channel, source, credential, begin, logger)
    }
  }

  func handle(value: Value, logger: Logger) async {
    await withTaskExecutorPreference(LoopExecutor(value.channel.eventLoop)) { await serve(value, logger) }
  }

  private func serve(_ value: Value, _ logger: Logger) async {
    value.begin.succeed()
    do {
      switch try await value.ready.get() {
      case .http1(let http1, let requests, let prompt):
        await http1.handle(value: requests, logger: logger)
        try await prompt.wait()
      case .http2(let http2, let streams):
        await http2.handle(value: streams, logger: logger)
        // No stream may come that nobody handles.
        value.channel.close(promise: nil)
      }
    } catch {
      logger.debug("connection ended before a request", metadata: ["why": "\(error)"])
    }
  }

  private func plain(
    _ channel: any Channel, _ source: SourceAddress, _ begin: EventLoopPromise<Void>, _ logger: Logger
  ) throws -> Value {
    try channel.syncOptions?.setOption(.autoRead, value: false)
    try channel.pipeline.syncOperations.addHandler(ConnectionWatch(limits: limits, isSecure: false))
    let peer = PeerIdentity(chain: [], source: source, isSecure: false)
    let ready = begin.futureResult
      .flatMap { http1(channel, peer, logger) }
      .flatMap { http1 in channel.setOption(.autoRead, value: true).map { http1 } }
    return Value(channel: channel, begin: begin, ready: ready)
  }

  private func secure(
    _ channel: any Channel, _ source: SourceAddress, _ credential: CurrentCredential, _ begin: EventLoopPromise<Void>,
    _ logger: Logger
  ) throws -> Value {
    let presented = Presented([], eventLoop: channel.eventLoop)
    let negotiation = NIOTypedApplicationProtocolNegotiationHandler<Negotiated> { result in
      let peer = PeerIdentity(chain: presented.value, source: source, isSecure: true)
      return begin.futureResult.flatMap { negotiated(result, channel, peer, logger) }
    }
    try channel.pipeline.syncOperations.addHandlers([
      try tls(credential.context(), presented), ConnectionWatch(limits: limits, isSecure: true), negotiation,
    ])
    return Value(channel: channel, begin: begin, ready: negotiation.protocolNegotiationResult)
  }

  /// Any chain within bounds completes the handshake: a maker's certificate under a group's anchor is as welcome as
  /// one of our own, and which it is depends on the request.
  private func tls(_ context: NIOSSLContext, _ presented: Presented) -> NIOSSLServerHandler {
    NIOSSLServerHandler(
      context: context,
      customVerificationCallback: { certificates, promise in
        guard let chain = ChainBounds.der(certificates) else { return promise.succeed(.failed) }
        presented.value = chain
        promise.succeed(.certificateVerified)
      })
  }

  private func negotiated(
    _ result: ALPNResult, _ channel: any Channel, _ peer: PeerIdentity, _ logger: Logger
  ) -> EventLoopFuture<Negotiated> {
    switch result {
    case .negotiated("h2"): http2(channel, peer, logger)
    case .negotiated, .fallback: http1(channel, peer, logger)
    }
  }

  private func responder(_ peer: PeerIdentity) -> HTTPChannelHandler.Responder {
    { request, writer, _ in try await reply(request, peer).write(with: writer) }
  }

  private func http1(_ channel: any Channel, _ peer: PeerIdentity, _ logger: Logger) -> EventLoopFuture<Negotiated> {
    let eventLoop = channel.eventLoop
    let decoder = HTTP1Channel.Configuration.DecoderConfiguration(
      maxHeaderFieldSize: limits.headerField, maxHeaderListSize: limits.headerList,
      maxHeaderFieldCount: limits.headerCount)
    let http1 = HTTP1Channel(
      responder: responder(peer),
      configuration: .init(
        additionalChannelHandlers: [
          ExchangeWatch(limits: limits, hasFrames: false),
          PromptExchanges(eventLoop: eventLoop, peer: peer, reply: reply),
        ], httpDecoderConfiguration: decoder))
    return eventLoop.makeCompletedFuture {
      // Next to the parser, and before it is there: what is read early waits in the negotiation.
      try channel.pipeline.syncOperations.addHandler(RequestBoundaryWatch())
    }
    .flatMap { http1.setup(channel: channel, logger: logger) }
    .flatMapThrowing { requests in .http1(http1, requests, try PromptExchanges.Completion(of: channel)) }
  }

  /// NIO's own bounds hold here: 100 streams at a time, 16 KiB of headers, resets and control frames counted
  /// (CVE-2023-44487).
  private func http2(_ channel: any Channel, _ peer: PeerIdentity, _ logger: Logger) -> EventLoopFuture<Negotiated> {
    let http2 = HTTP2Channel(
      responder: responder(peer),
      configuration: .init(
        idleTimeout: .nanoseconds(limits.idle.nanoseconds * 3 / 4),
        gracefulCloseTimeout: .nanoseconds(limits.drain.nanoseconds),
        streamConfiguration: .init(additionalChannelHandlers: [ExchangeWatch(limits: limits, hasFrames: true)])))
    return http2.setup(channel: channel, logger: logger).map { .http2(http2, $0) }
  }
}

/// Why a connection was closed before its handshake.
enum ConnectionRefusal: Error {
  case tooMany
}
