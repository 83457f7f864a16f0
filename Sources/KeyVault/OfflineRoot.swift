import Crypto
public import MusterModel

/// The root CA's private key under the recovery code, as `init` leaves it in `offline/` to be taken away.
///
/// `"muster-root" 00 ‖ 01 ‖ scrypt log2N, r, p (3) ‖ scrypt's salt (32) ‖ salt (32) ‖ commitment (32) ‖ ciphertext ‖
/// tag (16)`: AES-256-GCM as for sealed secrets, under HKDF-SHA-256(scrypt(code), salt, info) with
/// info = AAD = "muster/root-ca/recovery-code/v1" ‖ all before the second salt.
public enum OfflineRoot {
  /// The longest private key, in bytes.
  public static let keyLimit = 8192
  private static let magic = Array("muster-root\0".utf8) + [1]
  private static let headerSize = 13 + 3 + 32
  private static let label = Array("muster/root-ca/recovery-code/v1".utf8)

  /// `privateKey` in whatever form the certificate authority reads back.
  public static func seal(_ privateKey: SecretBytes, under code: RecoveryCode) throws(VaultError) -> [UInt8] {
    guard privateKey.count <= keyLimit else { throw .tooLarge(bytes: privateKey.count) }
    let salt = randomBytes(32)
    let header = magic + ScryptParameters.standard.bytes + salt
    let key = try scrypt(code.bits, salt: salt, .standard)
    return header + (try CommittedBox.seal(privateKey, under: key, info: label + header))
  }

  /// Throws `malformedOfflineRoot` for what is no such file, `parameters` for a cost out of bounds, `notAuthentic` for
  /// another code or for bytes that were changed.
  public static func open(_ bytes: [UInt8], with code: RecoveryCode) throws(VaultError) -> SecretBytes {
    let sizes = headerSize + CommittedBox.overhead...headerSize + CommittedBox.overhead + keyLimit
    guard sizes.contains(bytes.count) else { throw .malformedOfflineRoot("\(bytes.count) bytes") }
    guard bytes.starts(with: magic) else { throw .malformedOfflineRoot("another beginning") }
    let parameters = try ScryptParameters(log2N: bytes[13], r: bytes[14], p: bytes[15])
    let key = try scrypt(code.bits, salt: Array(bytes[16..<headerSize]), parameters)
    return try CommittedBox.open(bytes[headerSize...], under: key, info: label + bytes.prefix(headerSize))
  }
}
