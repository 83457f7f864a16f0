import Crypto
import Foundation

/// How a TPM derives keys (TPM 2.0 Library part 1 §11.4.10). Lengths are whole bytes.
enum TPMKeyDerivation {
  /// KDFa: NIST SP 800-108 in counter mode with HMAC. `context` is contextU ‖ contextV.
  static func kdfa(
    _ hash: TPMHash, key: SymmetricKey, label: String, context: [UInt8], bytes: Int
  ) -> SymmetricKey {
    let fixed = Array(label.utf8) + [0] + context + bigEndian(UInt32(bytes * 8))
    return blocks(bytes) { Data(hash.authenticationCode(for: bigEndian($0) + fixed, key)) }
  }

  /// KDFe: NIST SP 800-56A's concatenation of a hash, over a shared secret's x coordinate. `parties` is
  /// PartyUInfo ‖ PartyVInfo.
  static func kdfe(
    _ hash: TPMHash, secret: SharedSecret, label: String, parties: [UInt8], bytes: Int
  ) -> SymmetricKey {
    let fixed = Array(label.utf8) + [0] + parties
    return blocks(bytes) { counter in
      secret.withUnsafeBytes { secret in
        switch hash {
        case .sha1: digest(Insecure.SHA1(), bigEndian(counter), secret, fixed)
        case .sha256: digest(SHA256(), bigEndian(counter), secret, fixed)
        case .sha384: digest(SHA384(), bigEndian(counter), secret, fixed)
        case .sha512: digest(SHA512(), bigEndian(counter), secret, fixed)
        }
      }
    }
  }

  private static func digest(
    _ function: some HashFunction, _ counter: [UInt8], _ secret: UnsafeRawBufferPointer, _ fixed: [UInt8]
  ) -> Data {
    var function = function
    function.update(data: counter)
    function.update(bufferPointer: secret)
    function.update(data: fixed)
    return Data(function.finalize())
  }

  /// As many blocks as it takes, counted from 1, the last one cut.
  private static func blocks(_ bytes: Int, _ block: (UInt32) -> Data) -> SymmetricKey {
    var output = Data(capacity: bytes)
    defer { output.resetBytes(in: output.startIndex..<output.endIndex) }
    var counter: UInt32 = 0
    while output.count < bytes {
      counter += 1
      output.append(block(counter).prefix(bytes - output.count))
    }
    return SymmetricKey(data: output)
  }

  private static func bigEndian(_ number: UInt32) -> [UInt8] {
    (0..<4).reversed().map { UInt8(truncatingIfNeeded: number >> (8 * UInt32($0))) }
  }
}
