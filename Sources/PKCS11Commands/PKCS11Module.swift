import CPKCS11
import Foundation
import MusterModel
import Synchronization

/// A PKCS #11 module in this process: opened once, however many tokens of it are in use, and called by one at a time.
final class PKCS11Module: Sendable {
  typealias Functions = UnsafeMutablePointer<CK_FUNCTION_LIST>

  /// The module's own table, which stays as long as the process does.
  private struct Table: @unchecked Sendable {
    let functions: Functions
  }

  private let table: Table
  /// How often it was begun anew; nil while it is not begun. What belongs to an earlier time is gone.
  private let beginnings: Mutex<(count: UInt64, isBegun: Bool)>

  private static let opened = Mutex<[String: PKCS11Module]>([:])

  /// Throws `KeyKeeperFailure` of reason `away` where there is no module at that path.
  static func at(_ path: String) throws(KeyKeeperFailure) -> PKCS11Module {
    try opened.withLock { opened throws(KeyKeeperFailure) in
      if let module = opened[path] { return module }
      let module = try PKCS11Module(path)
      opened[path] = module
      return module
    }
  }

  private init(_ path: String) throws(KeyKeeperFailure) {
    func failure(_ found: String) -> KeyKeeperFailure {
      KeyKeeperFailure(.away, "expected a PKCS #11 module at \(path), found \(found)")
    }
    guard let library = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
      throw failure(dlerror().map { String(cString: $0) } ?? "none")
    }
    guard let symbol = dlsym(library, "C_GetFunctionList") else { throw failure("another library") }
    let list = unsafeBitCast(symbol, to: (@convention(c) (UnsafeMutablePointer<Functions?>?) -> CK_RV).self)
    var functions: Functions?
    guard list(&functions) == CKR_OK, let functions else { throw failure("one without functions") }
    table = Table(functions: functions)
    beginnings = Mutex((0, false))
  }

  /// Runs `body` alone with the functions, begun, and with the number of the beginning. Blocks while another has it.
  func alone<Value: Sendable, Failure: Error>(
    _ body: (inout Turn) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    // The state is the lock's own; the turn takes it out and puts it back.
    try beginnings.withLock { state throws(Failure) in
      var turn = Turn(functions: table.functions, count: state.count, isBegun: state.isBegun)
      defer { state = (turn.count, turn.isBegun) }
      return try body(&turn)
    }
  }

  /// One caller's time alone with the module.
  struct Turn {
    let functions: Functions
    fileprivate(set) var count: UInt64
    fileprivate(set) var isBegun: Bool

    /// C_Initialize, where it is not begun.
    mutating func begin() throws(PKCS11Fault) {
      guard !isBegun else { return }
      var arguments = CK_C_INITIALIZE_ARGS()
      arguments.flags = CK_FLAGS(CKF_OS_LOCKING_OK)
      let code = functions.pointee.C_Initialize(&arguments)
      guard code == CKR_OK || code == CKR_CRYPTOKI_ALREADY_INITIALIZED else {
        throw PKCS11Fault(code: code, doing: "begin")
      }
      isBegun = true
      count += 1
    }

    /// C_Finalize: every session is over. Tokens that came or went are seen by the next beginning, and by many modules not
    /// before.
    mutating func end() {
      guard isBegun else { return }
      _ = functions.pointee.C_Finalize(nil)
      isBegun = false
    }
  }
}
