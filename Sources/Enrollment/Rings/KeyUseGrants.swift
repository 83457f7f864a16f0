import KeyVault
import MusterModel
import Synchronization

/// What callers were granted of keys and have not used yet, in memory: what is lost with it was recorded as used.
///
/// Who uses a key once is granted one use; who asks again within the minute is granted twice as many each time. So a single
/// use stands in the ledger as one, and thousands a second cost next to nothing.
final class KeyUseGrants: Sendable {
  /// The most that one grant holds.
  static let most: UInt64 = 65_536
  static let lifetime = Duration.seconds(60)
  /// Of callers, versions and uses together; beyond it the oldest are let go.
  static let limit = 4096

  struct Key: Hashable {
    /// nil for the folder and the service.
    let caller: RecordID?
    let version: RecordID
    let use: RingUse
  }

  private struct Grant {
    var left: UInt64
    let size: UInt64
    let until: Timestamp
  }

  private let grants = Mutex<[Key: Grant]>([:])

  /// Takes so many where as many are left; else how many are to be asked for.
  func take(_ count: UInt64, _ key: Key, at now: Timestamp) -> UInt64? {
    grants.withLock { grants in
      guard let grant = grants[key], grant.until > now else { return count }
      guard grant.left >= count else { return max(count, min(grant.size * 2, KeyUseGrants.most)) }
      grants[key]?.left -= count
      return nil
    }
  }

  /// So many were granted, of which so many are used by who asked.
  func granted(_ size: UInt64, using count: UInt64, _ key: Key, until: Timestamp, at now: Timestamp) {
    grants.withLock { grants in
      if grants.count >= KeyUseGrants.limit {
        grants = grants.filter { $0.value.until > now }
        if grants.count >= KeyUseGrants.limit, let first = grants.min(by: { $0.value.until < $1.value.until }) {
          grants[first.key] = nil
        }
      }
      // What was left of the last one is let go: it was recorded until then, and not until now.
      grants[key] = Grant(left: size - count, size: size, until: until)
    }
  }
}
