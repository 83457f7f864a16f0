import CShares
import MusterModel

/// Shares of a random secret, kept by several people: enough of them open the slot, and need nothing else.
public struct SharesProtector: KeyProtector {
  public let quorum: Quorum
  private let secret: SecretBytes
  public var kind: SlotKind { .shares }

  /// By shares of this slot. Throws `wrongKey` for too few, for one twice and for another slot's; shares that are of no one
  /// secret open nothing.
  public init(_ shares: [VaultShare], of slot: Slot) throws(VaultError) {
    guard let quorum = slot.quorum else { throw .otherProtector(expected: slot.kind, found: .shares) }
    guard shares.allSatisfy({ $0.slot == slot.number }), let secret = SharesProtector.join(shares, quorum) else {
      throw .wrongKey
    }
    self.init(quorum: quorum, secret: secret)
  }

  fileprivate init(quorum: Quorum, secret: SecretBytes) {
    self.quorum = quorum
    self.secret = secret
  }

  public func wrap(_ root: RootKey, slot number: UInt32) throws(VaultError) -> Slot {
    try Slot(root, number: number, kind: kind, secret: secret, quorum: quorum)
  }

  public func unwrap(_ slot: Slot) throws(VaultError) -> RootKey { try slot.root(secret: secret, of: kind) }

  private static func join(_ shares: [VaultShare], _ quorum: Quorum) -> SecretBytes? {
    guard shares.count <= Quorum.counts.upperBound else { return nil }
    let size = VaultShare.size
    let values = SecretBytes(count: shares.count * size) { all in
      for (index, share) in shares.enumerated() {
        let place = UnsafeMutableRawBufferPointer(rebasing: all[index * size..<(index + 1) * size])
        share.value.withUnsafeBytes { place.copyMemory(from: $0) }
      }
    }
    var isJoined = false
    let secret = SecretBytes(count: size) { secret in
      values.withUnsafeBytes { values in
        isJoined =
          shares_join(
            shares.map(\.number), values.baseAddress, shares.count, size, quorum.needed, secret.baseAddress) == 1
      }
    }
    return isJoined ? secret : nil
  }
}

/// A new secret, split: its shares are to be handed out, and then the slot made.
public struct NewShares: Sendable {
  public let protector: SharesProtector
  private let values: [SecretBytes]

  /// Throws `sharing` where the system gives no random bytes.
  public init(_ quorum: Quorum) throws(VaultError) {
    let (size, count) = (VaultShare.size, Int(quorum.count))
    let secret = SecretBytes.random(count: size)
    var isSplit = false
    let all = SecretBytes(count: size * count) { all in
      secret.withUnsafeBytes { secret in
        isSplit = shares_split(secret.baseAddress, size, quorum.needed, quorum.count, all.baseAddress) == 1
      }
    }
    guard isSplit else { throw .sharing }
    values = all.withUnsafeBytes { all in
      (0..<count).map { SecretBytes(copying: all[$0 * size..<($0 + 1) * size]) }
    }
    protector = SharesProtector(quorum: quorum, secret: secret)
  }

  /// As many as the quorum says, the slot's number in each.
  public func shares(ofSlot number: UInt32) -> [VaultShare] {
    values.enumerated().map { VaultShare(slot: number, number: UInt8($0 + 1), value: $1) }
  }
}
