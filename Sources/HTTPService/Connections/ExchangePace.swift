import NIOCore

/// The pace of requests and answers on one HTTP/1.1 connection or one HTTP/2 stream, as a value. Requests may be
/// pipelined: heads, ends and answers are counted, and the n-th answer belongs to the n-th request.
struct ExchangePace {
  private let limits: ConnectionLimits
  private var begun = 0
  private var received = 0
  private var answered = 0
  /// How many answers have begun: the next may before the one before is taken.
  private var answersBegun = 0
  /// Bytes of the request that is being received, or of the answer that is being sent.
  private var bytes = 0
  private var unwantedBytes = 0
  private var since: NIODeadline

  init(limits: ConnectionLimits) {
    self.limits = limits
    since = .distantPast
  }

  /// How many exchanges are not over.
  var open: Int { begun - answered }
  private var isAnswering: Bool { answersBegun > answered }
  /// Whether a request was answered whose body is still coming.
  private var isUnwanted: Bool { answered > received }
  /// Whether every request was received and answered.
  var isComplete: Bool { begun == received && received == answered }
  var mustClose: Bool { isUnwanted && unwantedBytes > limits.unwantedBytes }

  /// nil while the service works on an answer: that is its own time.
  var deadline: NIODeadline? {
    if isUnwanted { return since + limits.unwanted }
    guard begun > received || isAnswering else { return nil }
    return since + limits.transfer + .seconds(Int64(bytes / 4096))
  }

  mutating func requestBegan(now: NIODeadline) {
    begun += 1
    guard !isAnswering else { return }
    (bytes, since) = (0, now)
  }

  mutating func requestBody(_ count: Int) {
    if isUnwanted { unwantedBytes += count } else { bytes += count }
  }

  mutating func requestEnded() { received += 1 }

  /// Returns whether the answer comes before its request was received, so that the connection is to be closed after it.
  mutating func answerBegan(now: NIODeadline) -> Bool {
    (bytes, since) = (0, now)
    answersBegun += 1
    return answersBegun > received
  }

  /// The connection is gone: nothing is open any more.
  mutating func abandon() { (answered, answersBegun) = (begun, begun) }

  mutating func answerBody(_ count: Int) { bytes += count }

  mutating func answerEnded(now: NIODeadline) {
    answered += 1
    (bytes, unwantedBytes, since) = (0, 0, now)
  }
}
