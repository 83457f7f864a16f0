import Synchronization

/// Counts what stands, in all and by network, up to a limit of each.
final class NetworkCensus: Sendable {
  private struct Count {
    var total = 0
    var byNetwork: [SourceAddress.Network: Int] = [:]
  }

  private let limit: Int
  private let networkLimit: Int
  private let count = Mutex(Count())

  init(limit: Int, perNetwork: Int) {
    self.limit = limit
    networkLimit = perNetwork
  }

  /// Whether so much more may stand; if so, it is counted until `leave`.
  func admit(_ network: SourceAddress.Network, _ amount: Int = 1) -> Bool {
    count.withLock { count in
      guard count.total + amount <= limit, count.byNetwork[network, default: 0] + amount <= networkLimit else {
        return false
      }
      count.total += amount
      count.byNetwork[network, default: 0] += amount
      return true
    }
  }

  func leave(_ network: SourceAddress.Network, _ amount: Int = 1) {
    count.withLock { count in
      count.total -= amount
      count.byNetwork[network]? -= amount
      if count.byNetwork[network] == 0 { count.byNetwork[network] = nil }
    }
  }

  var total: Int { count.withLock { $0.total } }
}

/// What the service has in hand at a time.
struct ServiceLoad: Sendable {
  let connections: NetworkCensus
  /// Requests: those that wait for their body or their answer, and those whose answer is on its way.
  let exchanges: NetworkCensus
  /// Bytes of bodies that were read and are not yet answered.
  let bodies: NetworkCensus

  init(limits: ConnectionLimits) {
    connections = NetworkCensus(limit: limits.total, perNetwork: limits.perNetwork)
    exchanges = NetworkCensus(limit: limits.exchanges, perNetwork: limits.exchangesPerNetwork)
    bodies = NetworkCensus(limit: limits.bodyBytes, perNetwork: limits.bodyBytesPerNetwork)
  }
}
