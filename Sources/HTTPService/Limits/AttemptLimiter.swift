import MusterModel

/// Counts wrong codes by source, and says when a source has to wait: a value, told the time. Limited is the source and
/// never the ticket, so that a stranger cannot burn it.
struct AttemptLimiter: Sendable {
  static let attempts = 20
  static let window = Duration.seconds(60)
  /// The most sources that are remembered. A code has 80 random bits: who has more networks than this guesses none of
  /// them either, so the oldest may be forgotten.
  static let capacity = 8192

  private struct Window {
    let began: Timestamp
    var count: Int
  }

  private var windows: [SourceAddress.Network: Window] = [:]

  /// How many seconds the source has to wait; nil where it may try.
  func wait(_ source: SourceAddress.Network, at now: Timestamp) -> Int64? {
    guard let window = windows[source], window.count >= AttemptLimiter.attempts else { return nil }
    // A clock that was set back must not make anyone wait longer than a window.
    let left = min((window.began + AttemptLimiter.window).milliseconds - now.milliseconds, 60_000)
    return left > 0 ? (left + 999) / 1000 : nil
  }

  mutating func failed(_ source: SourceAddress.Network, at now: Timestamp) {
    if let window = windows[source], window.began <= now, now < window.began + AttemptLimiter.window {
      windows[source] = Window(began: window.began, count: window.count + 1)
      return
    }
    if windows[source] == nil, windows.count >= AttemptLimiter.capacity { forget(at: now) }
    windows[source] = Window(began: now, count: 1)
  }

  /// What is over, and if that makes no room, the older half.
  private mutating func forget(at now: Timestamp) {
    windows = windows.filter { now < $0.value.began + AttemptLimiter.window }
    guard windows.count >= AttemptLimiter.capacity else { return }
    let middle = windows.values.map(\.began).sorted()[windows.count / 2]
    windows = windows.filter { $0.value.began > middle }
  }

  var remembered: Int { windows.count }
}
