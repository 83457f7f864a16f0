import Attestation
import Crypto
import CryptoExtras
import Foundation

/// TPM structures made by hand, as no TPM would make some of them: for what an attacker sends.
enum MadeTPM {
  static func number(_ value: UInt64, _ width: Int) -> [UInt8] {
    (0..<width).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
  }

  static func sized(_ bytes: [UInt8]) -> [UInt8] { number(UInt64(bytes.count), 2) + bytes }

  /// A P-256 key and what its TPMT_PUBLIC says of it.
  struct Key {
    var key: P256.Signing.PrivateKey
    var type: UInt16 = 0x23
    var nameAlgorithm: UInt16 = 0x0b
    var attributes: TPMPublic.Attributes
    var policy: [UInt8] = []
    var symmetric: [UInt8] = number(0x10, 2)
    var scheme: [UInt8] = number(0x18, 2) + number(0x0b, 2)
    var curve: UInt16 = 3
    var kdf: UInt16 = 0x10
    var point: (x: [UInt8], y: [UInt8])?

    static let bound: TPMPublic.Attributes = [.fixedTPM, .fixedParent, .sensitiveDataOrigin, .userWithAuth, .sign]

    static func attestation() -> Key { Key(key: .init(), attributes: bound.union(.restricted)) }
    static func device() -> Key { Key(key: .init(), attributes: bound) }
    static func endorsement() -> Key {
      Key(
        key: .init(), attributes: [.fixedTPM, .fixedParent, .sensitiveDataOrigin, .restricted, .decrypt],
        symmetric: number(6, 2) + number(128, 2) + number(0x43, 2), scheme: number(0x10, 2))
    }

    /// TPMT_PUBLIC.
    var area: [UInt8] {
      let raw = Array(key.publicKey.rawRepresentation)
      let (x, y) = point ?? (Array(raw.prefix(32)), Array(raw.suffix(32)))
      return number(UInt64(type), 2) + number(UInt64(nameAlgorithm), 2) + number(UInt64(attributes.rawValue), 4)
        + sized(policy) + symmetric + scheme + number(UInt64(curve), 2) + number(UInt64(kdf), 2) + sized(x) + sized(y)
    }

    /// TPM2B_PUBLIC.
    var sizedArea: [UInt8] { sized(area) }
    var name: [UInt8] { number(UInt64(nameAlgorithm), 2) + SHA256.hash(data: area) }

    /// TPMT_SIGNATURE by ECDSA with SHA-256.
    func sign(_ bytes: [UInt8]) throws -> [UInt8] {
      let raw = Array(try key.signature(for: bytes).rawRepresentation)
      return number(0x18, 2) + number(0x0b, 2) + sized(Array(raw.prefix(32))) + sized(Array(raw.suffix(32)))
    }
  }

  /// TPMS_ATTEST.
  struct Attest {
    var magic: UInt64 = 0xff54_4347
    var type: UInt64 = 0x8017
    var extraData: [UInt8]
    var safe: UInt8 = 1
    var body: [UInt8]

    static func certify(_ name: [UInt8], nonce: [UInt8]) -> Attest {
      Attest(extraData: nonce, body: sized(name) + sized(name))
    }

    static func quote(_ registers: [UInt8], nonce: [UInt8]) -> Attest {
      Attest(
        type: 0x8018, extraData: nonce,
        body: number(1, 4) + number(0x0b, 2) + [UInt8(registers.count)] + registers
          + sized(Array(repeating: 7, count: 32)))
    }

    var bytes: [UInt8] {
      number(magic, 4) + number(type, 2) + sized([0, 0x0b] + Array(repeating: 1, count: 32)) + sized(extraData)
        + number(1234, 8) + number(1, 4) + number(0, 4) + [safe] + number(0x2020_0312_0012_8000, 8) + body
    }
  }

  static let nonce: [UInt8] = Array(1...32)

  /// What an honest device would hand in, to be spoiled.
  struct Evidence {
    var attestationKey = Key.attestation()
    var deviceKey = Key.device()
    /// The key that signs, where it is not the attestation key.
    var signer: Key?
    var info: [UInt8]?
    var signature: [UInt8]?
    var nonce = MadeTPM.nonce

    func appraise() throws -> (appraisal: Appraisal, key: CertifiedKey?) {
      let info = info ?? Attest.certify(deviceKey.name, nonce: MadeTPM.nonce).bytes
      let attestation = KeyAttestation(
        akPublic: attestationKey.sizedArea, keyPublic: deviceKey.sizedArea, certifyInfo: info,
        certifySignature: try signature ?? (signer ?? attestationKey).sign(info))
      return attestation.appraise(nonce: nonce)
    }
  }
}

extension Appraisal {
  /// The codes of what was refused.
  var codes: [String] {
    checks.compactMap { if case .refused(let code, _) = $0.outcome { code } else { nil } }
  }
}
