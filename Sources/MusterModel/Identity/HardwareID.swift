/// What a piece of hardware shows of itself: a kind and a value, `cpu-serial:00000000e4b1c9d2`. Each kind has one
/// canonical form, reached by parsing its documented variants; two spellings of one board are one `HardwareID`.
public struct HardwareID: Hashable, Sendable, Codable, CustomStringConvertible {
  public enum Kind: String, Sendable, CaseIterable {
    /// A processor's serial number: 1 to 64 of `A-Z a-z 0-9 - _ .`, hexadecimal digits in lower case.
    case cpuSerial = "cpu-serial"
    /// An EUI-48 (IEEE 802): 12 hexadecimal digits, read with `:`, `-` or nothing between the octets.
    case mac
    /// 15 digits, the last a Luhn check digit (3GPP TS 23.003 §6.2.1).
    case imei
    /// SHA-256 of the endorsement key's SubjectPublicKeyInfo, in hex.
    case tpmEK = "tpm-ek"
    /// `<SHA-256 of the trust anchor's SPKI>.<subject serialNumber>` (IEEE 802.1AR §8.6).
    case idevid
    /// The system UUID of SMBIOS (DMTF DSP0134), in its text form, lower case.
    case dmiUUID = "dmi-uuid"
    /// Another system's registration ID, kept as it is.
    case registration
    /// The SHA-256 of something only the owner knows, in hex.
    case sha256
  }

  public enum Refusal: Error, Hashable, Sendable {
    /// An excerpt of what was found.
    case noKind(String)
    case malformed(Kind, expected: String)
    case placeholder(Kind)
  }

  public let kind: Kind
  public let value: String

  public var description: String { kind.rawValue + ":" + value }

  /// Reads `kind:value` in any documented variant into the canonical form.
  public static func parse(_ text: some StringProtocol) -> Result<HardwareID, Refusal> {
    guard text.utf8.count <= 256, let colon = text.firstIndex(of: ":"),
      let kind = Kind(rawValue: String(text[..<colon]))
    else { return .failure(.noKind(excerpt(text, upTo: 32))) }
    return parse(kind, String(text[text.index(after: colon)...]))
  }

  public static func parse(_ kind: Kind, _ text: String) -> Result<HardwareID, Refusal> {
    guard let value = canonical(kind, text) else { return .failure(.malformed(kind, expected: expected(kind))) }
    guard !isPlaceholder(value) else { return .failure(.placeholder(kind)) }
    return .success(HardwareID(kind: kind, value: value))
  }

  private init(kind: Kind, value: String) {
    self.kind = kind
    self.value = value
  }

  public init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard case .success(let id) = HardwareID.parse(text), id.description == text else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "expected a hardware ID in its canonical form"))
    }
    self = id
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

extension HardwareID.Refusal: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noKind(let found):
      "expected kind:value with a kind of \(HardwareID.Kind.allCases.map(\.rawValue).joined(separator: ", ")), "
        + "found \(found)"
    case .malformed(let kind, let expected): "expected \(kind.rawValue): \(expected)"
    case .placeholder(let kind): "expected a \(kind.rawValue) of this board alone, found a maker's placeholder"
    }
  }
}

// MARK: - Canonical forms

private func canonical(_ kind: HardwareID.Kind, _ text: String) -> String? {
  switch kind {
  case .cpuSerial: serial(text, upTo: 64).map { Hex.decode($0) == nil ? $0 : $0.lowercased() }
  case .mac: mac(text)
  case .imei: imei(text)
  case .tpmEK, .sha256: Digest(hex: text)?.hex
  case .idevid: idevid(text)
  case .dmiUUID: uuid(text)
  case .registration: serial(text, upTo: 128)
  }
}

private func expected(_ kind: HardwareID.Kind) -> String {
  switch kind {
  case .cpuSerial: "1 to 64 of A-Z a-z 0-9 - _ ."
  case .mac: "12 hexadecimal digits, with or without : or - between the octets"
  case .imei: "15 digits, the last a Luhn check digit"
  case .tpmEK, .sha256: "64 hexadecimal digits"
  case .idevid: "the trust anchor's SPKI SHA-256 in hex, a dot, and the subject's serialNumber"
  case .dmiUUID: "a UUID in its 8-4-4-4-12 form"
  case .registration: "1 to 128 of A-Z a-z 0-9 - _ . :"
  }
}

private func serial(_ text: String, upTo limit: Int) -> String? {
  guard (1...limit).contains(text.utf8.count) else { return nil }
  let extra: Set<UInt8> = limit > 64 ? [UInt8(ascii: ":")] : []
  let allowed = text.utf8.allSatisfy { character in
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
      true
    default: extra.contains(character)
    }
  }
  return allowed ? text : nil
}

private func mac(_ text: String) -> String? {
  if text.utf8.count == 12 { return Hex.decode(text).map { Hex.encode($0) } }
  for separator in [":", "-"] as [Character] {
    let octets = text.split(separator: separator, omittingEmptySubsequences: false)
    if octets.count == 6, octets.allSatisfy({ $0.utf8.count == 2 }) {
      return Hex.decode(octets.joined()).map { Hex.encode($0) }
    }
  }
  return nil
}

private func imei(_ text: String) -> String? {
  let digits = text.utf8.map { Int($0) - 48 }
  guard digits.count == 15, digits.allSatisfy({ (0...9).contains($0) }) else { return nil }
  let sum = digits.enumerated().reduce(0) { sum, digit in
    guard digit.offset % 2 == 1 else { return sum + digit.element }
    let doubled = digit.element * 2
    return sum + (doubled > 9 ? doubled - 9 : doubled)
  }
  return sum.isMultiple(of: 10) ? text : nil
}

private func idevid(_ text: String) -> String? {
  guard let dot = text.firstIndex(of: "."), let anchor = Digest(hex: text[..<dot]),
    let serial = serial(String(text[text.index(after: dot)...]), upTo: 64)
  else { return nil }
  return anchor.hex + "." + serial
}

private func uuid(_ text: String) -> String? {
  let groups = text.split(separator: "-", omittingEmptySubsequences: false)
  guard groups.map(\.utf8.count) == [8, 4, 4, 4, 12], Hex.decode(groups.joined()) != nil else { return nil }
  return text.lowercased()
}

// MARK: - Placeholders

/// Values that makers leave in boards by the thousand: they name no board.
private func isPlaceholder(_ value: String) -> Bool {
  // Canonical forms are ASCII.
  let letters = value.lowercased().utf8.filter { $0 >= UInt8(ascii: "a") || (0x30...0x39).contains($0) }
  let isOne = letters.allSatisfy { $0 == letters[0] }
  if isOne, letters.count >= 4 || letters.allSatisfy({ $0 == UInt8(ascii: "0") }) { return true }
  return placeholders.contains(String(decoding: letters, as: UTF8.self))
}

private let placeholders: Set<String> = [
  "tobefilledbyoem", "defaultstring", "systemserialnumber", "notspecified", "notapplicable", "none", "unknown",
  "0123456789", "123456789", "1234567890", "0123456789abcdef", "03000200040005000006000700080009",
]
