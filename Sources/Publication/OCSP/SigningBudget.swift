import MusterModel

/// How many signatures strangers may ask for, by source and in all: a value, told the time. Each rate is the generic
/// cell rate algorithm (ITU-T I.371, annex A), which remembers one time: until when it is paid for.
struct SigningBudget: Sendable {
  struct Rate: Sendable {
    /// Milliseconds per signature in the long run.
    let interval: Int64
    /// How many may come at once.
    let burst: Int64

    /// Until when it is paid, between now and what a whole burst pays for. More can be owed only after the clock was set
    /// back, and is cut.
    func owed(_ paid: Int64, at now: Int64) -> Int64 { min(max(paid, now), now + interval * burst) }

    /// Whether one more is within the burst.
    func affords(_ owed: Int64, at now: Int64) -> Bool { owed + interval <= now + interval * burst }
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
    guard sources[source] != nil || sources.count < capacity else { return false }
    let own = perSource.owed(sources[source] ?? now, at: now)
    let whole = inAll.owed(all, at: now)
    let isAffordable = perSource.affords(own, at: now) && inAll.affords(whole, at: now)
    sources[source] = isAffordable ? own + perSource.interval : own
    all = isAffordable ? whole + inAll.interval : whole
    return isAffordable
  }

  /// Sources that owe nothing are as if never seen. At most once a second, for it goes through all.
  private mutating func forget(at now: Int64) {
    guard forgot > now || forgot <= now - 1000 else { return }
    forgot = now
    sources = sources.filter { $0.value > now }
  }

  var remembered: Int { sources.count }
}
