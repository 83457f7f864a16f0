public import MusterModel

/// Hardware IDs by their beginning, `mac:aabbcc*` or `idevid:<anchor>.*`: a kind, 1 to 128 characters of its canonical
/// form, and one star at the end.
public struct HardwarePattern: Hashable, Sendable, Codable, CustomStringConvertible {
  public let kind: HardwareID.Kind
  public let prefix: String

  /// nil unless `text` is `kind:prefix*` with a prefix that some canonical hardware ID can begin with.
  public init?(_ text: some StringProtocol) {
    guard text.utf8.count <= 256, text.hasSuffix("*"), let colon = text.firstIndex(of: ":"),
      let kind = HardwareID.Kind(rawValue: String(text[..<colon]))
    else { return nil }
    let prefix = text[text.index(after: colon)...].dropLast()
    guard (1...128).contains(prefix.utf8.count), prefix.utf8.allSatisfy(isCanonical(of: kind)) else { return nil }
    self.kind = kind
    self.prefix = String(prefix)
  }

  public static let rule = "kind:prefix*, the prefix in the kind's canonical form"

  public func matches(_ id: HardwareID) -> Bool { id.kind == kind && id.value.hasPrefix(prefix) }

  public var description: String { "\(kind.rawValue):\(prefix)*" }

  public init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard let pattern = HardwarePattern(text) else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "expected \(HardwarePattern.rule)"))
    }
    self = pattern
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

/// A pattern that can never match would be a block that does not block: refuse what is not in canonical form.
private func isCanonical(of kind: HardwareID.Kind) -> (UInt8) -> Bool {
  let allowed: Set<UInt8> =
    switch kind {
    case .mac, .tpmEK, .sha256: Set("0123456789abcdef".utf8)
    case .imei: Set("0123456789".utf8)
    case .dmiUUID: Set("0123456789abcdef-".utf8)
    case .cpuSerial, .idevid:
      Set("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.".utf8)
    case .registration:
      Set("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.:".utf8)
    }
  return allowed.contains
}

/// A pattern was put on the allowlist or the blocklist, or taken off it.
public struct HardwarePatternListed: EventBody {
  public static let kind = "hardware-pattern-listed"
  public let listing: HardwareListed.Listing
  public let group: RecordID?

  public struct Details: Codable, Hashable, Sendable {
    public let pattern: HardwarePattern
    public let reason: String?
    public init(pattern: HardwarePattern, reason: String?) {
      self.pattern = pattern
      self.reason = reason
    }
  }

  public init(listing: HardwareListed.Listing, group: RecordID?) {
    self.listing = listing
    self.group = group
  }
}
