import NIOCore

/// Tells the connection, after each read of HTTP/1.1, whether a next request's head has begun. Stands before the parser;
/// the exchanges tell it what that made of the read, in the course of the read.
final class RequestBoundaryWatch: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private var boundary = RequestBoundary()
  private var connection: ConnectionWatch?

  func handlerAdded(context: ChannelHandlerContext) {
    connection = try? context.pipeline.syncOperations.handler(type: ConnectionWatch.self)
  }

  func handlerRemoved(context: ChannelHandlerContext) { connection = nil }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    context.fireChannelRead(data)
    connection?.parsed(isHeadBegun: boundary.wasRead(unwrapInboundIn(data).readableBytesView))
  }

  func headEnded(length: Int?) { boundary.headEnded(length: length) }
  func bodyReceived(_ count: Int) { boundary.bodyReceived(count) }
  func requestEnded() { boundary.requestEnded() }
}
