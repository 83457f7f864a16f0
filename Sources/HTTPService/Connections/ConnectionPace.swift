import NIOCore

/// Until when a connection may stand as it does, as a value: what happened goes in, the deadline comes out.
struct ConnectionPace {
  private let limits: ConnectionLimits
  private var openExchanges = 0
  private var isSecured: Bool
  /// Whether bytes of a next request have come since the last exchange ended.
  private var isReceivingHead = false
  /// Whether they came while it was open: their time begins when it ends.
  private var isHeadBegun = false
  /// HTTP/2 sends frames that belong to no request: the first byte says nothing.
  private var hasFrames = false
  private var hasServed = false
  private var drainBy: NIODeadline?
  private var waitsUntil: NIODeadline

  /// When the connection is closed if nothing happens; nil while an exchange is open, which has a pace of its own.
  var deadline: NIODeadline? {
    guard openExchanges == 0 else { return drainBy }
    return drainBy.map { min($0, waitsUntil) } ?? waitsUntil
  }

  init(limits: ConnectionLimits, isSecure: Bool, now: NIODeadline) {
    self.limits = limits
    isSecured = !isSecure
    waitsUntil = now + (isSecure ? limits.handshake : limits.head)
  }

  mutating func handshakeCompleted(hasFrames: Bool, now: NIODeadline) {
    isSecured = true
    self.hasFrames = hasFrames
    waitsUntil = now + limits.head
  }

  mutating func bytesRead(now: NIODeadline) {
    guard isSecured, !hasFrames, !isReceivingHead, openExchanges == 0 else { return }
    isReceivingHead = true
    waitsUntil = min(waitsUntil, now + limits.head)
  }

  /// What the bytes that were read came to: whether a head has begun that is not yet whole.
  mutating func parsed(isHeadBegun: Bool) { self.isHeadBegun = isHeadBegun }

  mutating func exchangeOpened() {
    openExchanges += 1
    hasServed = true
    isReceivingHead = false
  }

  mutating func exchangeClosed(now: NIODeadline) {
    openExchanges -= 1
    guard openExchanges == 0 else { return }
    isReceivingHead = isHeadBegun
    waitsUntil = now + (isHeadBegun ? limits.head : limits.idle)
  }

  /// The service ends: what is open may finish within bounds. A connection that has served nothing yet may be one that
  /// nobody will handle.
  mutating func drain(now: NIODeadline) {
    if drainBy == nil { drainBy = now + (hasServed ? limits.drain : .seconds(1)) }
  }
}
