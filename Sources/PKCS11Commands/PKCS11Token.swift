import CPKCS11
public import MusterModel
import Synchronization

/// A token behind a PKCS #11 module (OASIS PKCS #11 v2.40), logged in to as its user with a PIN from a file. Calls block, one
/// at a time. Where the token went away, the next call looks for it anew; a PIN that it refused is not shown to it again.
public final class PKCS11Token: Sendable {
  public let uri: PKCS11URI
  private let pin: @Sendable () throws(KeyKeeperFailure) -> SecretBytes
  private let state = Mutex(State())

  private struct State: Sendable {
    var connection: Connection?
    /// What the token refused.
    var refused: SecretBytes?
    var failure: KeyKeeperFailure?
    /// The signing keys that are in use.
    var keys: Set<[UInt8]> = []
  }

  struct Connection: Sendable {
    let session: CK_SESSION_HANDLE
    /// Of the module, to which the session belongs.
    let beginning: UInt64
  }

  /// `pin` reads the PIN's file, each time that it is needed.
  public init(_ uri: PKCS11URI, pin: @escaping @Sendable () throws(KeyKeeperFailure) -> SecretBytes) {
    self.uri = uri
    self.pin = pin
  }

  /// What keeps the token from being of use; nil where the last call did what it should.
  public var failure: KeyKeeperFailure? { state.withLock(\.failure) }

  /// Whether CAs sign with its keys.
  public var isInUse: Bool { state.withLock { !$0.keys.isEmpty } }

  /// Looks whether the token is there, takes its PIN, and has the keys that are in use. `failure` says what came of it.
  public func probe() {
    let keys = state.withLock(\.keys)
    _ = try? with { (session) throws(PKCS11Fault) in
      for id in keys where try session.key(CKO_PRIVATE_KEY, id: id) == nil {
        throw PKCS11Fault.noKey
      }
    }
  }

  /// Says that a CA signs with the key of that CKA_ID.
  package func uses(_ id: [UInt8]) { state.withLock { _ = $0.keys.insert(id) } }

  /// Runs `body` in a session. Where the one at hand is gone, once more in a new one.
  func with<Value: Sendable>(
    _ body: (PKCS11Session) throws(PKCS11Fault) -> Value
  ) throws(KeyKeeperFailure) -> Value {
    do {
      let module = try PKCS11Module.at(uri.modulePath)
      let value = try module.alone { (turn) throws(KeyKeeperFailure) in try inTurn(&turn, body) }
      state.withLock { $0.failure = nil }
      return value
    } catch {
      state.withLock { $0.failure = error }
      throw error
    }
  }

  private func inTurn<Value: Sendable>(
    _ turn: inout PKCS11Module.Turn, _ body: (PKCS11Session) throws(PKCS11Fault) -> Value
  ) throws(KeyKeeperFailure) -> Value {
    do {
      if let connection = connection(in: turn) {
        do { return try body(PKCS11Session(functions: turn.functions, handle: connection.session)) } catch {
          guard error.isGone else { throw error }
        }
      }
      // Many modules look for tokens at their beginning alone.
      turn.end()
      try turn.begin()
      let connection = try connect(turn)
      state.withLock { $0.connection = connection }
      return try body(PKCS11Session(functions: turn.functions, handle: connection.session))
    } catch let fault as PKCS11Fault {
      if fault.isGone { state.withLock { $0.connection = nil } }
      throw fault.failure(of: uri)
    } catch let failure as KeyKeeperFailure {
      throw failure
    } catch {
      throw KeyKeeperFailure(.refused, "\(error)")
    }
  }

  private func connection(in turn: PKCS11Module.Turn) -> Connection? {
    state.withLock(\.connection).flatMap { turn.isBegun && $0.beginning == turn.count ? $0 : nil }
  }

  private func connect(_ turn: PKCS11Module.Turn) throws -> Connection {
    let slot = try PKCS11Slot.find(uri, turn.functions)
    guard !slot.isLocked else {
      throw KeyKeeperFailure(
        .locked,
        "expected the token \(uri.token) to take a PIN, found it locked, or one wrong PIN before: log in by hand")
    }
    let pin = try pin()
    guard state.withLock(\.refused)?.isEqual(to: pin) != true else { throw KeyKeeperFailure.wrongPIN(of: uri) }
    var session: CK_SESSION_HANDLE = 0
    let flags = CK_FLAGS(CKF_SERIAL_SESSION | CKF_RW_SESSION)
    try check(turn.functions.pointee.C_OpenSession(slot.id, flags, nil, nil, &session), "open a session")
    let code = pin.withUnsafeBytes { pin in
      turn.functions.pointee.C_Login(
        session, CK_USER_TYPE(CKU_USER),
        UnsafeMutablePointer(mutating: pin.baseAddress?.assumingMemoryBound(to: UInt8.self)), CK_ULONG(pin.count))
    }
    if code == CKR_PIN_INCORRECT { state.withLock { $0.refused = pin } }
    if code != CKR_USER_ALREADY_LOGGED_IN { try check(code, "take its PIN") }
    return Connection(session: session, beginning: turn.count)
  }

  private func check(_ code: CK_RV, _ doing: String) throws(PKCS11Fault) {
    guard code == CKR_OK else { throw PKCS11Fault(code: code, doing: doing) }
  }
}
