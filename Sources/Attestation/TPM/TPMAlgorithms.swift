import Crypto

/// TPM_ALG_ID of a hash (TCG Algorithm Registry §6.2), those that swift-crypto computes.
public enum TPMHash: UInt16, Sendable, Hashable, CaseIterable {
  case sha1 = 0x0004
  case sha256 = 0x000b
  case sha384 = 0x000c
  case sha512 = 0x000d

  /// SHA-256 or better: SHA-1 is no ground to trust anything on (NIST SP 800-131A r2 §9).
  public var isSound: Bool { self != .sha1 }

  public var name: String {
    switch self {
    case .sha1: "SHA-1"
    case .sha256: "SHA-256"
    case .sha384: "SHA-384"
    case .sha512: "SHA-512"
    }
  }

  /// Of a digest, in bytes.
  var size: Int {
    switch self {
    case .sha1: 20
    case .sha256: 32
    case .sha384: 48
    case .sha512: 64
    }
  }

  func hash(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    let data = Array(bytes)
    return switch self {
    case .sha1: Array(Insecure.SHA1.hash(data: data))
    case .sha256: Array(SHA256.hash(data: data))
    case .sha384: Array(SHA384.hash(data: data))
    case .sha512: Array(SHA512.hash(data: data))
    }
  }
}

/// TPM_ALG_ID of a signing scheme.
public enum TPMSigningScheme: UInt16, Sendable, Hashable {
  case rsassa = 0x0014
  case rsapss = 0x0016
  case ecdsa = 0x0018

  public var name: String {
    switch self {
    case .rsassa: "RSASSA"
    case .rsapss: "RSAPSS"
    case .ecdsa: "ECDSA"
    }
  }
}

/// TPM_ECC_CURVE (TCG Algorithm Registry §6.4), those that are accepted.
public enum TPMCurve: UInt16, Sendable, Hashable {
  case p256 = 0x0003
  case p384 = 0x0004

  /// Of a coordinate, in bytes.
  var width: Int { self == .p256 ? 32 : 48 }
}

/// The numbers of the registry that only a parser meets.
enum TPMAlgorithm {
  static let rsa: UInt16 = 0x0001
  static let hmac: UInt16 = 0x0005
  static let aes: UInt16 = 0x0006
  static let null: UInt16 = 0x0010
  static let sm4: UInt16 = 0x0013
  static let rsaes: UInt16 = 0x0015
  static let oaep: UInt16 = 0x0017
  static let ecdh: UInt16 = 0x0019
  static let ecdaa: UInt16 = 0x001a
  static let sm2: UInt16 = 0x001b
  static let ecSchnorr: UInt16 = 0x001c
  static let ecc: UInt16 = 0x0023
  static let camellia: UInt16 = 0x0026
  static let cfb: UInt16 = 0x0043
}
