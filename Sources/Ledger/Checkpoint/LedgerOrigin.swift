public import MusterModel

/// Which ledger, in which epoch: `<trust-domain>/muster/<instance>/<epoch>`. The origin of its checkpoints, and the name of the
/// key that signs them. A restore starts a new epoch.
public struct LedgerOrigin: Hashable, Sendable, Codable, CustomStringConvertible {
  public let trustDomain: TrustDomain
  /// 1 to 64 characters of `A-Z a-z 0-9 - _`.
  public let instance: String
  public let epoch: UInt32

  /// nil where the instance's name has another form.
  public init?(trustDomain: TrustDomain, instance: String, epoch: UInt32) {
    guard (1...64).contains(instance.utf8.count), instance.utf8.allSatisfy(isWordCharacter) else { return nil }
    self.trustDomain = trustDomain
    self.instance = instance
    self.epoch = epoch
  }

  /// Reads what `description` writes; nil for anything else.
  public init?(_ text: some StringProtocol) {
    guard text.utf8.count <= 300 else { return nil }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 4, parts[1] == "muster", let domain = TrustDomain(parts[0]),
      let number = LedgerSize.parse(parts[3]), let epoch = UInt32(exactly: number)
    else { return nil }
    self.init(trustDomain: domain, instance: String(parts[2]), epoch: epoch)
  }

  /// The part that stays over all epochs: `<trust-domain>/muster/<instance>`.
  public var ledger: String { "\(trustDomain)/muster/\(instance)" }

  public var description: String { "\(ledger)/\(epoch)" }

  public init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard let origin = LedgerOrigin(text) else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "expected a ledger's origin, found \(excerpt(text))"))
    }
    self = origin
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

private func isWordCharacter(_ character: UInt8) -> Bool {
  switch character {
  case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
    true
  default: false
  }
}
