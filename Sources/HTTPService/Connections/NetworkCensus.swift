import Synchronization

/// Counts the connections that stand, in all and by network.
final class ConnectionCensus: Sendable {
  private struct Count {
    var total = 0
    var byNetwork: [SourceAddress.Network: Int] = [:]
  }

  private let limits: ConnectionLimits
  private let count = Mutex(Count())

  init(limits: ConnectionLimits) { self.limits = limits }

  /// Whether one more may stand; if so, it is counted until `leave`.
  func admit(_ network: SourceAddress.Network) -> Bool {
    count.withLock { count in
      guard count.total < limits.total, count.byNetwork[network, default: 0] < limits.perNetwork else { return false }
      count.total += 1
      count.byNetwork[network, default: 0] += 1
      return true
    }
  }

  func leave(_ network: SourceAddress.Network) {
    count.withLock { count in
      count.total -= 1
      count.byNetwork[network]? -= 1
      if count.byNetwork[network] == 0 { count.byNetwork[network] = nil }
    }
  }

  var total: Int { count.withLock { $0.total } }
}
