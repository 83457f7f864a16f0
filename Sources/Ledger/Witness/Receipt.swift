import Foundation
public import MusterModel

public import enum Crypto.P256

/// A hub's word that it enforces everything in the ledger up to a size, and which ledger it saw there. Signed with the
/// hub's own key, so that it stays a witness's word: a ledger that was rewritten later contradicts it.
public struct Receipt: Hashable, Sendable, Codable {
  public let hub: RecordID
  public let size: UInt64
  /// The root of the tree of that size.
  public let root: Digest
  public let at: Timestamp

  public init(hub: RecordID, size: UInt64, root: Digest, at time: Timestamp) {
    self.hub = hub
    self.size = size
    self.root = root
    at = time
  }

  /// What is signed: six lines, each ended by a newline. `ledger` is the origin without its epoch, so that a receipt for
  /// one ledger is none for another.
  func text(ledger: String) -> [UInt8] {
    Array("muster-receipt/v1\n\(ledger)\n\(hub)\n\(size)\n\(root.hex)\n\(at)\n".utf8)
  }

  /// Signs for a hub; ECDSA with SHA-256.
  public func signed(ledger: String, by key: P256.Signing.PrivateKey) throws -> SignedReceipt {
    let signature = try key.signature(for: Data(text(ledger: ledger)))
    return SignedReceipt(
      receipt: self, publicKey: [UInt8](key.publicKey.derRepresentation),
      signature: [UInt8](signature.derRepresentation))
  }
}

/// A receipt with its signature and the key that is said to have made it.
public struct SignedReceipt: Hashable, Sendable {
  /// The longest of either, in bytes: P-256 needs 91 and 72.
  static let fieldLimit = 128

  public let receipt: Receipt
  /// SubjectPublicKeyInfo of a P-256 key, DER.
  public let publicKey: [UInt8]
  /// ECDSA-Sig-Value (RFC 3279 §2.2.3), DER.
  public let signature: [UInt8]

  public init(receipt: Receipt, publicKey: [UInt8], signature: [UInt8]) {
    self.receipt = receipt
    self.publicKey = publicKey
    self.signature = signature
  }

  /// Whether the key signed the receipt for this ledger. Whose the key is, is for the caller to know.
  public func isValid(ledger: String) -> Bool {
    guard publicKey.count <= SignedReceipt.fieldLimit, signature.count <= SignedReceipt.fieldLimit,
      let key = try? P256.Signing.PublicKey(derRepresentation: publicKey),
      let signature = try? P256.Signing.ECDSASignature(derRepresentation: signature)
    else { return false }
    return key.isValidSignature(signature, for: Data(receipt.text(ledger: ledger)))
  }
}

/// A hub gave a receipt, and it agreed with the ledger.
public struct ReceiptGiven: EventBody {
  public static let kind = "receipt-given"
  public static let changesRecords = false
  public let hub: RecordID
  public let size: UInt64
  public let root: Digest
  /// The hub's time; the event's own is the service's.
  public let at: Timestamp
  /// SubjectPublicKeyInfo and ECDSA-Sig-Value in base64url.
  public let publicKey: String
  public let signature: String

  public init(_ signed: SignedReceipt) {
    hub = signed.receipt.hub
    size = signed.receipt.size
    root = signed.receipt.root
    at = signed.receipt.at
    publicKey = Base64URL.encode(signed.publicKey)
    signature = Base64URL.encode(signed.signature)
  }

  /// nil where the bytes are not base64url.
  public var signed: SignedReceipt? {
    guard let key = Base64URL.decode(publicKey), let signature = Base64URL.decode(signature) else { return nil }
    return SignedReceipt(
      receipt: Receipt(hub: hub, size: size, root: root, at: at), publicKey: key, signature: signature)
  }
}
