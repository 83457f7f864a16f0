import HummingbirdCore
import HummingbirdHTTP2
import Logging
import NIOCore
import NIOSSL
import NIOTLS

/// Answers one request of one peer.
typealias PeerResponder = @Sendable (Request, consuming ResponseWriter, PeerIdentity) async throws -> Void

/// How a connection is set up: counted, secured by TLS, watched, and then HTTP/1.1 or HTTP/2 as negotiated. On the
/// plain listener there is no TLS and HTTP/1.1 alone.
struct ConnectionChannel: ServerChildChannel {
  /// What BoringSSL's callback saw; filled during the handshake, on the connection's event loop.
  private typealias Presented = NIOLoopBoundBox<[[UInt8]]>

  enum Negotiated: Sendable {
    case http1(HTTP1Channel.Value)
    case http2(HTTP2Channel.Value)
  }

  struct Value: ServerChildChannelValue {
    let channel: any Channel
    /// Succeeds once somebody handles the connection. Nothing is made before that has to be consumed: a connection that
    /// is accepted while the server ends is handled by nobody, and an async channel that is dropped ends the process.
    let begin: EventLoopPromise<Void>
    let ready: EventLoopFuture<(Negotiated, PeerIdentity)>
  }

  let limits: ConnectionLimits
  let census: NetworkCensus
  /// nil for the plain listener.
  let credential: CurrentCredential?
  let respond: PeerResponder

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
    channel.eventLoop.makeCompletedFuture {
      guard let source = channel.remoteAddress.flatMap(SourceAddress.init), census.admit(source.network) else {
        channel.close(promise: nil)
        throw ConnectionRefusal.tooMany
      }
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
      let (negotiated, peer) = try await value.ready.get()
      let responder: HTTPChannelHandler.Responder = { request, writer, _ in
        try await respond(request, writer, peer)
      }
      switch negotiated {
      case .http1(let http1): await http1Channel(responder).handle(value: http1, logger: logger)
      case .http2(let http2):
        await http2Channel(responder).handle(value: http2, logger: logger)
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
      .flatMap { http1(channel, logger) }
      .flatMap { http1 in channel.setOption(.autoRead, value: true).map { (Negotiated.http1(http1), peer) } }
    return Value(channel: channel, begin: begin, ready: ready)
  }

  private func secure(
    _ channel: any Channel, _ source: SourceAddress, _ credential: CurrentCredential, _ begin: EventLoopPromise<Void>,
    _ logger: Logger
  ) throws -> Value {
    let presented = Presented([], eventLoop: channel.eventLoop)
    let negotiation = NIOTypedApplicationProtocolNegotiationHandler<Negotiated> { result in
      begin.futureResult.flatMap { negotiated(result, channel, logger) }
    }
    try channel.pipeline.syncOperations.addHandlers([
      try tls(credential.context(), presented), ConnectionWatch(limits: limits, isSecure: true), negotiation,
    ])
    let ready = negotiation.protocolNegotiationResult.map { negotiated in
      (negotiated, PeerIdentity(chain: presented.value, source: source, isSecure: true))
    }
    return Value(channel: channel, begin: begin, ready: ready)
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

  private func negotiated(_ result: ALPNResult, _ channel: any Channel, _ logger: Logger) -> EventLoopFuture<Negotiated>
  {
    switch result {
    case .negotiated("h2"): http2Channel(idle).setup(channel: channel, logger: logger).map { .http2($0) }
    case .negotiated, .fallback: http1(channel, logger).map { .http1($0) }
    }
  }

  private func http1(_ channel: any Channel, _ logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
    channel.eventLoop.makeCompletedFuture {
      // Next to the parser, and before it is there: what is read early waits in the negotiation.
      try channel.pipeline.syncOperations.addHandler(RequestBoundaryWatch())
    }.flatMap { http1Channel(idle).setup(channel: channel, logger: logger) }
  }

  /// Setting up needs no responder; handling brings the one that knows the peer.
  private var idle: HTTPChannelHandler.Responder { { _, _, _ in } }

  private func http1Channel(_ responder: @escaping HTTPChannelHandler.Responder) -> HTTP1Channel {
    let decoder = HTTP1Channel.Configuration.DecoderConfiguration(
      maxHeaderFieldSize: limits.headerField, maxHeaderListSize: limits.headerList,
      maxHeaderFieldCount: limits.headerCount)
    return HTTP1Channel(
      responder: responder,
      configuration: .init(
        additionalChannelHandlers: [ExchangeWatch(limits: limits, hasFrames: false)], httpDecoderConfiguration: decoder)
    )
  }

  /// NIO's own bounds hold here: 100 streams at a time, 16 KiB of headers, resets and control frames counted
  /// (CVE-2023-44487).
  private func http2Channel(_ responder: @escaping HTTPChannelHandler.Responder) -> HTTP2Channel {
    HTTP2Channel(
      responder: responder,
      configuration: .init(
        idleTimeout: .nanoseconds(limits.idle.nanoseconds * 3 / 4),
        gracefulCloseTimeout: .nanoseconds(limits.drain.nanoseconds),
        streamConfiguration: .init(additionalChannelHandlers: [ExchangeWatch(limits: limits, hasFrames: true)])))
  }
}

/// Why a connection was closed before its handshake.
enum ConnectionRefusal: Error {
  case tooMany
}
