import KeyVault
public import MusterModel
import Synchronization

/// Secrets that do not open: somebody, or a disk, changed their bytes.
public struct UnopenedSecrets: Sendable, Hashable {
  /// By what they are for.
  public private(set) var counts: [String: Int] = [:]
  /// Whose the first few are.
  public private(set) var owners: [RecordID] = []
  private static let ownerLimit = 8

  public var count: Int { counts.values.reduce(0, +) }

  mutating func add(_ secret: SealedSecret) {
    counts[secret.purpose, default: 0] += 1
    if owners.count < UnopenedSecrets.ownerLimit { owners.append(secret.owner) }
  }
}

/// How far the look through all that is sealed is, and what it found.
final class SealedCheck: Sendable {
  /// A few milliseconds' work.
  static let rowsAtOnce = 256

  private struct State {
    var place = SealedPlace.beginning
    /// Of this pass, and of the last whole one.
    var found = UnopenedSecrets()
    var last = UnopenedSecrets()
  }

  private let state = Mutex(State())

  var place: SealedPlace { state.withLock(\.place) }

  /// false at the end of a pass.
  func passed(_ page: SealedPage, _ unopened: [SealedSecret]) -> Bool {
    state.withLock { state in
      for secret in unopened { state.found.add(secret) }
      if let next = page.next {
        state.place = next
        return true
      }
      state = State(last: state.found)
      return false
    }
  }

  /// What this pass found already, where that is more than the last one did.
  var unopened: UnopenedSecrets {
    state.withLock { $0.found.count > $0.last.count ? $0.found : $0.last }
  }
}

extension VaultAdministration {
  /// Opens the next rows of all that is sealed, and lets go of them: what would fail at its next use is known before. false at
  /// the end of a pass, and while the vault is sealed.
  public func checkSome() async throws -> Bool {
    let (vault, check) = (instance.vault, instance.sealedCheck)
    guard !vault.isSealed else { return false }
    let page = try await reader.sealed(under: nil, from: check.place, atMost: SealedCheck.rowsAtOnce)
    let unopened = try await onItsThread { page.secrets.filter { !vault.opens($0) } }
    guard !vault.isSealed else { return false }
    return check.passed(page, unopened)
  }

  public var isSealed: Bool { instance.vault.isSealed }
  public var unopened: UnopenedSecrets { instance.sealedCheck.unopened }
}

extension Vault {
  fileprivate func opens(_ secret: SealedSecret) -> Bool {
    if secret.purpose == VaultSecret.kek { return (try? check(WrappedKEK(secret.bytes))) != nil }
    return (try? open(secret)) != nil
  }
}
