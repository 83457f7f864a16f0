import CPKCS11
import MusterModel

/// Where a module has the token.
struct PKCS11Slot {
  let id: CK_SLOT_ID
  /// It takes no PIN, or would take none after one more that is wrong.
  let isLocked: Bool

  private static let limit = 256

  /// Throws `KeyKeeperFailure` of reason `away` where no token has that label and serial number, and `refused` where two have.
  static func find(_ uri: PKCS11URI, _ functions: PKCS11Module.Functions) throws -> PKCS11Slot {
    var ids = [CK_SLOT_ID](repeating: 0, count: limit)
    var count = CK_ULONG(limit)
    let code = functions.pointee.C_GetSlotList(CK_BBOOL(CK_TRUE), &ids, &count)
    guard code == CKR_OK else { throw PKCS11Fault(code: code, doing: "be listed") }
    var found: [PKCS11Slot] = []
    for id in ids.prefix(Int(count)) {
      var info = CK_TOKEN_INFO()
      guard functions.pointee.C_GetTokenInfo(id, &info) == CKR_OK else { continue }
      guard text(info.label) == uri.token, uri.serial == nil || uri.serial == text(info.serialNumber) else { continue }
      let locked = info.flags & CK_FLAGS(CKF_USER_PIN_LOCKED | CKF_USER_PIN_FINAL_TRY) != 0
      found.append(PKCS11Slot(id: id, isLocked: locked))
    }
    guard found.count <= 1 else {
      throw KeyKeeperFailure(
        .refused, "expected one token \(uri.token), found \(found.count): name its serial in the URI, too")
    }
    guard let slot = found.first else {
      throw KeyKeeperFailure(.away, "expected the token \(uri.token) at \(uri.modulePath), found none of that name")
    }
    return slot
  }

  /// Filled with blanks, without an end.
  private static func text<Field>(_ field: Field) -> String {
    let bytes = withUnsafeBytes(of: field) { Array($0) }
    return String(decoding: bytes[..<(bytes.lastIndex { $0 != 0x20 && $0 != 0 }.map { $0 + 1 } ?? 0)], as: UTF8.self)
  }
}
