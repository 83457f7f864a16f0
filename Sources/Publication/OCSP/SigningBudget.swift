import MusterModel

/// How many signatures strangers may ask for, by source and in all: a value, told the time. Each rate is the generic
/// cell rate algorithm (ITU-T I.371, annex A), which remembers one time: until when it is paid for.
struct SigningBudget: Sendable {
  struct Rate: Sendable {
    /// Milliseconds per signature in the long run.
    let interval: Int64
    /// How many may come at once.
    let burst: Int64

    /// Until when it is paid after one more; nil where that is too far ahead. What lies further ahead than it can, as
    /// after a clock was set back, is cut.
    func spend(paid: Int64, at now: Int64) -> Int64? {
      let limit = now + interval * burst
      let next = min(max(paid, now), limit) + interval
      return next <= limit ? next : nil
    }
  }

  let perSource: Rate
  let inAll: Rate
  /// The most sources that are remembered. One more is refused: what it asked for goes out without a signature of its own.
  let capacity: Int

  private var sources: [String: Int64] = [:]
  private var all: Int64 = .min
  private var forgot: Int64 = .min

  init(perSource: Rate, inAll: Rate, capacity: Int = 4096) {
    self.perSource = perSource
    self.inAll = inAll
    self.capacity = capacity
  }

  /// Answers with a nonce: 10 a second from one source, 200 in all.
  static let nonces = SigningBudget(
    perSource: Rate(interval: 100, burst: 50), inAll: Rate(interval: 5, burst: 400))
  /// Answers made ready at their first question, or about what was not issued: 200 a second from one source, 1,000 in
  /// all, which is a few hundredths of a core.
  static let readying = SigningBudget(
    perSource: Rate(interval: 5, burst: 1000), inAll: Rate(interval: 1, burst: 2000))

  /// Whether one more may be signed; if so, it is counted.
  mutating func spend(_ source: String, at time: Timestamp) -> Bool {
    let now = time.milliseconds
    if sources[source] == nil, sources.count >= capacity { forget(at: now) }
    guard sources[source] != nil || sources.count < capacity,
      let paidBySource = perSource.spend(paid: sources[source] ?? now, at: now),
      let paidInAll = inAll.spend(paid: all, at: now)
    else { return false }
    sources[source] = paidBySource
    all = paidInAll
    return true
  }

  /// Sources that owe nothing are as if never seen. At most once a second, for it goes through all.
  private mutating func forget(at now: Int64) {
    guard forgot > now || forgot <= now - 1000 else { return }
    forgot = now
    sources = sources.filter { $0.value > now }
  }

  var remembered: Int { sources.count }
}
