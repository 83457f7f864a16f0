public import NIOCore

/// How much of the service's patience and memory one connection, one address and all together may take.
public struct ConnectionLimits: Sendable {
  /// Connections from one address (IPv6: one /64).
  public var perNetwork = 1024
  /// Connections in all.
  public var total = 4096
  /// Requests of one network that stand at once: 100 on each HTTP/2 connection would be more.
  public var exchangesPerNetwork = 2048
  /// And in all.
  public var exchanges = 8192
  /// Bytes of one network's bodies that wait in memory.
  public var bodyBytesPerNetwork = 16 * 1024 * 1024
  /// And in all.
  public var bodyBytes = 64 * 1024 * 1024
  public var handshake = TimeAmount.seconds(10)
  /// From the first byte of a request to the end of its headers (slowloris).
  public var head = TimeAmount.seconds(10)
  /// Between requests of a kept connection.
  public var idle = TimeAmount.seconds(60)
  /// For a request's body, and for taking an answer; a second more for each 4 KiB.
  public var transfer = TimeAmount.seconds(30)
  /// How long a body that nobody wants is still read, so that the client sees the answer.
  public var unwanted = TimeAmount.seconds(5)
  /// And how much of it.
  public var unwantedBytes = 2 * 1024 * 1024
  /// How long requests in flight may take once the service ends.
  public var drain = TimeAmount.seconds(10)
  public var headerField = 16 * 1024
  public var headerList = 32 * 1024
  public var headerCount = 100

  public init() {}
}
