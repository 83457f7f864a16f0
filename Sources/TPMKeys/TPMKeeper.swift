public import MusterModel
import Synchronization
public import TPMCommands

/// The TPM of the service's machine, asked by one at a time. Calls block. A PIN that it refused is not shown to it again, and
/// none where the next wrong one would lock it.
public final class TPMKeeper: Sendable {
  public let place: TPMPlace
  private let pin: (@Sendable () throws(KeyKeeperFailure) -> SecretBytes)?
  let contexts = TPMContexts()
  private let turn = Mutex(())
  private let state = Mutex(State())

  private struct State: Sendable {
    var refused: SecretBytes?
    var failure: KeyKeeperFailure?
    /// The signing keys that are in use.
    var keys: Set<TPMKeyBlob> = []
  }

  /// `pin` reads the PIN's file, each time that it is needed; nil where there is none.
  public init(_ place: TPMPlace, pin: (@Sendable () throws(KeyKeeperFailure) -> SecretBytes)?) {
    self.place = place
    self.pin = pin
  }

  /// What keeps the TPM from being of use; nil where the last call did what it should.
  public var failure: KeyKeeperFailure? { state.withLock(\.failure) }

  /// Whether CAs sign with its keys.
  public var isInUse: Bool { state.withLock { !$0.keys.isEmpty } }

  /// Looks whether the TPM is there and takes the keys that are in use. `failure` says what came of it.
  public func probe() {
    let keys = state.withLock(\.keys)
    _ = try? with { (tpm) throws(TPMFailure) in
      let storage = try tpm.storageKey()
      for key in keys { try tpm.unload(try tpm.load(key, under: storage)) }
    }
  }

  func uses(_ key: TPMKeyBlob) { state.withLock { _ = $0.keys.insert(key) } }

  func with<Value: Sendable>(
    _ body: (TPMConnection) throws(TPMFailure) -> Value
  ) throws(KeyKeeperFailure) -> Value {
    try recording { () throws(KeyKeeperFailure) in
      try turn.withLock { _ throws(KeyKeeperFailure) in
        do throws(TPMFailure) {
          return try TPMConnection.with(place, TPMHierarchyPasswords(), body)
        } catch { throw KeyKeeperFailure(error) }
      }
    }
  }

  /// The same with the PIN.
  func withPIN<Value: Sendable>(
    _ body: (TPMConnection, SecretBytes) throws(TPMFailure) -> Value
  ) throws(KeyKeeperFailure) -> Value {
    let pin = try recording { () throws(KeyKeeperFailure) in try readPIN() }
    do {
      return try with { (tpm) throws(TPMFailure) in
        try tpm.expectTakesWrongPIN()
        return try body(tpm, pin)
      }
    } catch {
      if error.reason == .wrongPIN { state.withLock { $0.refused = pin } }
      throw error
    }
  }

  private func readPIN() throws(KeyKeeperFailure) -> SecretBytes {
    guard let pin else { throw KeyKeeperFailure(.noPIN, "expected --tpm-pin-file to name the TPM's PIN, found none") }
    let read = try pin()
    guard state.withLock(\.refused)?.isEqual(to: read) != true else {
      throw KeyKeeperFailure(
        .wrongPIN, "expected the TPM's PIN in its file, found another: it is tried once, correct it")
    }
    return read
  }

  private func recording<Value: Sendable>(
    _ body: () throws(KeyKeeperFailure) -> Value
  ) throws(KeyKeeperFailure) -> Value {
    do {
      let value = try body()
      state.withLock { $0.failure = nil }
      return value
    } catch {
      state.withLock { $0.failure = error }
      throw error
    }
  }
}

extension KeyKeeperFailure {
  init(_ failure: TPMFailure) {
    let reason: Reason =
      switch failure.kind {
      case .away: .away
      case .locked: .locked
      case .wrongPIN: .wrongPIN
      case .registers: .measurements
      case .otherTPM: .lost
      case .other: .refused
      }
    self.init(reason, failure.description)
  }
}
