import MusterModel
import Synchronization

/// How many challenges are given a minute. Each is an event, and whoever knows an endorsement key may ask: so there are
/// some for one key from one network, more for the key in all, so that a stranger takes none of its own, and an end.
final class ChallengeBudget: Sendable {
  static let perKeyAndNetwork = 4
  static let perKey = 32
  static let inAll = 6000
  static let window = Duration.seconds(60)

  private struct Window {
    var began: Timestamp
    var total = 0
    /// By key, then by network.
    var counts: [HardwareID: [String: Int]] = [:]
  }

  private let current = Mutex<Window?>(nil)

  /// Takes one, where one is left. A window that began in what is now the future, as after a clock was set back, is over.
  func takes(_ key: HardwareID, from network: String, at now: Timestamp) -> Bool {
    current.withLock { current in
      var window = current.flatMap { $0.began <= now && now < $0.began + Self.window ? $0 : nil } ?? Window(began: now)
      let counts = window.counts[key] ?? [:]
      guard window.total < Self.inAll, counts[network, default: 0] < Self.perKeyAndNetwork,
        counts.values.reduce(0, +) < Self.perKey
      else { return false }
      window.total += 1
      window.counts[key, default: [:]][network, default: 0] += 1
      current = window
      return true
    }
  }
}
