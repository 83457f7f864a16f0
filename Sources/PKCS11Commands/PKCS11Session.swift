import CPKCS11
import MusterModel

/// A session with a token, logged in: what is asked of it, each one call or a few. It is over when its caller's turn is.
struct PKCS11Session {
  let functions: PKCS11Module.Functions
  let handle: CK_SESSION_HANDLE

  /// Makes a P-256 key pair that the token does not give away; the point, 65 bytes.
  func makeSigningKey(id: [UInt8], label: String) throws(PKCS11Fault) -> [UInt8] {
    let common = PKCS11Template().with(CKA_TOKEN, true).with(CKA_ID, id).with(CKA_LABEL, Array(label.utf8))
    let publicKey = common.with(CKA_VERIFY, true).with(CKA_EC_PARAMS, PKCS11Session.p256)
    let privateKey = common.with(CKA_PRIVATE, true).with(CKA_SENSITIVE, true).with(CKA_EXTRACTABLE, false)
      .with(CKA_SIGN, true)
    var mechanism = CK_MECHANISM(mechanism: CKM_EC_KEY_PAIR_GEN, pParameter: nil, ulParameterLen: 0)
    var (publicHandle, privateHandle): (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE) = (0, 0)
    let code = publicKey.withAttributes { publicAttributes, publicCount in
      privateKey.withAttributes { attributes, count in
        functions.pointee.C_GenerateKeyPair(
          handle, &mechanism, publicAttributes, publicCount, attributes, count, &publicHandle, &privateHandle)
      }
    }
    try check(code, "make a P-256 key")
    try checkKept(privateHandle)
    return try point(of: publicHandle)
  }

  /// The point of a key pair that was made so; nil where the token has not both parts of it.
  func point(id: [UInt8]) throws(PKCS11Fault) -> [UInt8]? {
    guard let privateKey = try key(CKO_PRIVATE_KEY, id: id), let publicKey = try key(CKO_PUBLIC_KEY, id: id) else {
      return nil
    }
    try checkKept(privateKey)
    return try point(of: publicKey)
  }

  private func point(of publicKey: CK_OBJECT_HANDLE) throws(PKCS11Fault) -> [UInt8] {
    let point = try attribute(CKA_EC_POINT, of: publicKey)
    // An OCTET STRING around the point (§2.3.3); some give the point bare.
    return point.count == 67 && point.starts(with: [0x04, 0x41]) ? Array(point.dropFirst(2)) : point
  }

  /// Makes an AES-256 key that the token does not give away.
  func makeSecretKey(id: [UInt8], label: String) throws(PKCS11Fault) -> CK_OBJECT_HANDLE {
    let template = PKCS11Template().with(CKA_CLASS, CKO_SECRET_KEY).with(CKA_KEY_TYPE, CKK_AES)
      .with(CKA_VALUE_LEN, CK_ULONG(32)).with(CKA_TOKEN, true).with(CKA_PRIVATE, true).with(CKA_SENSITIVE, true)
      .with(CKA_EXTRACTABLE, false).with(CKA_ENCRYPT, true).with(CKA_DECRYPT, true).with(CKA_ID, id)
      .with(CKA_LABEL, Array(label.utf8))
    var mechanism = CK_MECHANISM(mechanism: CKM_AES_KEY_GEN, pParameter: nil, ulParameterLen: 0)
    var key: CK_OBJECT_HANDLE = 0
    try check(
      template.withAttributes { functions.pointee.C_GenerateKey(handle, &mechanism, $0, $1, &key) }, "make an AES key")
    try checkKept(key)
    return key
  }

  /// nil where the token has none, or two, of that class and ID.
  func key(_ keyClass: CK_OBJECT_CLASS, id: [UInt8]) throws(PKCS11Fault) -> CK_OBJECT_HANDLE? {
    let template = PKCS11Template().with(CKA_CLASS, keyClass).with(CKA_ID, id)
    try check(template.withAttributes { functions.pointee.C_FindObjectsInit(handle, $0, $1) }, "look for a key")
    var found: [CK_OBJECT_HANDLE] = [0, 0]
    var count: CK_ULONG = 0
    let code = functions.pointee.C_FindObjects(handle, &found, 2, &count)
    _ = functions.pointee.C_FindObjectsFinal(handle)
    try check(code, "look for a key")
    return count == 1 ? found[0] : nil
  }

  /// ECDSA over a digest: r and s, each of 32 bytes.
  func sign(_ digest: [UInt8], with key: CK_OBJECT_HANDLE) throws(PKCS11Fault) -> [UInt8] {
    var mechanism = CK_MECHANISM(mechanism: CKM_ECDSA, pParameter: nil, ulParameterLen: 0)
    try check(functions.pointee.C_SignInit(handle, &mechanism, key), "sign")
    var digest = digest
    var signature = [UInt8](repeating: 0, count: 64)
    var size = CK_ULONG(signature.count)
    try check(
      functions.pointee.C_Sign(handle, &digest, CK_ULONG(digest.count), &signature, &size), "sign")
    return Array(signature.prefix(Int(size)))
  }

  /// AES-CBC without padding, from a block of zeros on: of random bytes, what only the token can compute.
  func encrypt(_ bytes: [UInt8], with key: CK_OBJECT_HANDLE) throws(PKCS11Fault) -> SecretBytes {
    var start = [UInt8](repeating: 0, count: 16)
    let begun = start.withUnsafeMutableBytes { start in
      var mechanism = CK_MECHANISM(
        mechanism: CKM_AES_CBC, pParameter: start.baseAddress, ulParameterLen: CK_ULONG(start.count))
      return functions.pointee.C_EncryptInit(handle, &mechanism, key)
    }
    try check(begun, "use an AES key")
    var bytes = bytes
    var size = CK_ULONG(bytes.count)
    var code = CKR_OK
    let secret = SecretBytes(count: bytes.count) { out in
      let count = CK_ULONG(bytes.count)
      code = functions.pointee.C_Encrypt(
        handle, &bytes, count, out.baseAddress?.assumingMemoryBound(to: UInt8.self), &size)
    }
    try check(code, "use an AES key")
    guard Int(size) == bytes.count else { throw PKCS11Fault(code: CKR_DATA_LEN_RANGE, doing: "use an AES key") }
    return secret
  }

  func destroy(_ key: CK_OBJECT_HANDLE) throws(PKCS11Fault) {
    try check(functions.pointee.C_DestroyObject(handle, key), "forget a key")
  }

  /// A key that could leave the token, or came from outside, is no better than a file.
  private func checkKept(_ key: CK_OBJECT_HANDLE) throws(PKCS11Fault) {
    let isSensitive = try attribute(CKA_SENSITIVE, of: key) == [1]
    let isExtractable = try attribute(CKA_EXTRACTABLE, of: key) != [0]
    guard isSensitive, !isExtractable else {
      throw PKCS11Fault(code: CKR_ATTRIBUTE_VALUE_INVALID, doing: "keep its key to itself")
    }
  }

  private func attribute(_ type: CK_ATTRIBUTE_TYPE, of key: CK_OBJECT_HANDLE) throws(PKCS11Fault) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 128)
    let (code, size) = bytes.withUnsafeMutableBytes { buffer in
      var attribute = CK_ATTRIBUTE(type: type, pValue: buffer.baseAddress, ulValueLen: CK_ULONG(buffer.count))
      return (functions.pointee.C_GetAttributeValue(handle, key, &attribute, 1), attribute.ulValueLen)
    }
    try check(code, "show a key's attribute")
    return Array(bytes.prefix(Int(clamping: size)))
  }

  private func check(_ code: CK_RV, _ doing: String) throws(PKCS11Fault) {
    guard code == CKR_OK else { throw PKCS11Fault(code: code, doing: doing) }
  }

  /// ECParameters: the object identifier of secp256r1 (RFC 5480 §2.1.1.1).
  private static let p256: [UInt8] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]
}
