import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Whose turn it is on a connection of HTTP/1.1, as a value: a request that came in one read, and does not say what becomes of
/// the connection, is answered where it was read; every other is handed on to the connection's task. The next has its turn
/// once the answer before it is taken.
struct ExchangeTurns {
  /// What comes from the connection.
  enum Arrival {
    case part(HTTPRequestPart)
    case readComplete
    case event(Any)
    case failure(any Error)
  }

  enum Action {
    case wait
    case handOn([Arrival])
    /// A whole request. Until `answered` everything else waits.
    case answer(HTTPRequest, body: ByteBuffer)
  }

  private enum Turn {
    case free
    /// A request begins in this read; `body` is what came of its own.
    case gathering(HTTPRequest)
    /// A request is answered here.
    case ours
    /// Requests were handed on: so many are not answered, and the last may not be received.
    case theirs(open: Int, isReceiving: Bool)
    /// Nobody is there to be answered.
    case gone
  }

  private var turn = Turn.free
  private var body = ByteBuffer()
  private var waiting = CircularBuffer<Arrival>()
  /// Whether something was handed on since a read's end was.
  private var owesReadComplete = false

  /// Whether there is room for another read behind an exchange. There is for a few parts: whoever sends a request in two
  /// pieces while another is worked on has sent it in time.
  var mayRead: Bool { waiting.count < 10 }

  mutating func came(_ arrival: Arrival) -> Action {
    switch turn {
    case .free: begin(arrival)
    case .gathering(let head): gather(arrival, head)
    case .ours: wait(arrival)
    case .theirs: handOn([arrival])
    case .gone: .wait
    }
  }

  /// The answer of a request that was answered here is taken.
  mutating func answered() {
    if case .ours = turn { turn = .free }
  }

  /// What waited and has its turn now, to come again.
  mutating func next() -> Arrival? {
    if case .ours = turn { return nil }
    let arrival = waiting.popFirst()
    // What a long pipeline took is given back, and not kept while the connection is.
    if arrival != nil, waiting.isEmpty { waiting.removeAll() }
    return arrival
  }

  /// The answer of a request that was handed on is taken.
  mutating func handedOnAnswered() {
    if case .theirs(let open, let isReceiving) = turn { settle(open: open - 1, isReceiving) }
  }

  /// The connection is gone: nothing that was asked is worked on any more.
  mutating func abandon() {
    turn = .gone
    waiting.removeAll()
  }

  private mutating func begin(_ arrival: Arrival) -> Action {
    guard case .part(.head(let head)) = arrival, ExchangeTurns.isPlain(head) else { return handOn([arrival]) }
    turn = .gathering(head)
    body = ByteBuffer()
    return .wait
  }

  private mutating func gather(_ arrival: Arrival, _ head: HTTPRequest) -> Action {
    switch arrival {
    case .part(.body(let piece)):
      if body.readableBytes == 0 { body = piece } else { body.writeImmutableBuffer(piece) }
      return .wait
    case .part(.end):
      turn = .ours
      defer { body = ByteBuffer() }
      return .answer(head, body: body)
    default:
      let begun: [Arrival] = [.part(.head(head))] + (body.readableBytes > 0 ? [.part(.body(body))] : [])
      turn = .free
      body = ByteBuffer()
      return handOn(begun + [arrival])
    }
  }

  private mutating func wait(_ arrival: Arrival) -> Action {
    // The end of a read of which nothing was handed on is told to nobody.
    if case .readComplete = arrival, waiting.isEmpty, !owesReadComplete { return .wait }
    waiting.append(arrival)
    return .wait
  }

  private mutating func handOn(_ arrivals: [Arrival]) -> Action {
    var (open, isReceiving) = (0, false)
    if case .theirs(let opened, let received) = turn { (open, isReceiving) = (opened, received) }
    for arrival in arrivals {
      owesReadComplete = true
      switch arrival {
      case .part(.head): (open, isReceiving) = (open + 1, true)
      case .part(.end): isReceiving = false
      case .readComplete: owesReadComplete = false
      case .part(.body), .event, .failure: break
      }
    }
    settle(open: open, isReceiving)
    return .handOn(arrivals)
  }

  private mutating func settle(open: Int, _ isReceiving: Bool) {
    turn = open > 0 || isReceiving ? .theirs(open: open, isReceiving: isReceiving) : .free
  }

  /// Whether the head leaves the connection as it is: where it may have it closed (RFC 9112 §9.6), its task does.
  private static func isPlain(_ head: HTTPRequest) -> Bool {
    head.headerFields[values: .connection].allSatisfy { $0.lowercased() == "keep-alive" }
  }
}
