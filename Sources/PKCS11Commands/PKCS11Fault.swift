import CPKCS11
package import MusterModel

/// What a function of the module returned.
struct PKCS11Fault: Error {
  let code: CK_RV
  let doing: String
  /// It answers, and has no such key.
  var isLost = false

  /// The token, or the session with it, is not there any more: a new one may be.
  var isGone: Bool { PKCS11Fault.gone.contains(code) }

  private static let gone: Set<CK_RV> = [
    CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED, CKR_DEVICE_ERROR, CKR_DEVICE_REMOVED, CKR_KEY_HANDLE_INVALID,
    CKR_OBJECT_HANDLE_INVALID, CKR_SESSION_CLOSED, CKR_SESSION_HANDLE_INVALID, CKR_SLOT_ID_INVALID,
    CKR_TOKEN_NOT_PRESENT, CKR_TOKEN_NOT_RECOGNIZED, CKR_USER_NOT_LOGGED_IN, CKR_CRYPTOKI_NOT_INITIALIZED,
    CKR_OPERATION_NOT_INITIALIZED,
  ]

  /// Looked for again in a new session: the token may have been away.
  static let noKey = PKCS11Fault(
    code: CKR_OBJECT_HANDLE_INVALID, doing: "have the key that was made in it", isLost: true)

  func failure(of uri: PKCS11URI) -> KeyKeeperFailure {
    guard !isLost else {
      return KeyKeeperFailure(.lost, "expected the token \(uri.token) to \(doing), found none: is it another token?")
    }
    let found = "0x\(String(code, radix: 16)) (PKCS #11 CKR)"
    switch code {
    case CKR_PIN_INCORRECT, CKR_PIN_INVALID, CKR_PIN_LEN_RANGE: return .wrongPIN(of: uri)
    case CKR_PIN_LOCKED, CKR_PIN_EXPIRED:
      return KeyKeeperFailure(.locked, "expected the token \(uri.token) to take its PIN, found it locked: unlock it")
    default:
      return KeyKeeperFailure(
        isGone ? .away : .refused, "expected the token \(uri.token) to \(doing), found \(found)")
    }
  }
}

extension KeyKeeperFailure {
  package static func wrongPIN(of uri: PKCS11URI) -> KeyKeeperFailure {
    KeyKeeperFailure(
      .wrongPIN,
      "expected the PIN of the token \(uri.token) in \(uri.pinFile), found another: it is tried once, correct it")
  }
}
