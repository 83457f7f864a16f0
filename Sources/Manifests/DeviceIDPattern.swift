public import MusterModel

/// How device IDs are made where a manifest names none: `meter-{serial}`, `pump-{n:06}`. `{serial}` is the hardware ID's
/// value, `{n}` the row's number from 1, `{n:06}` the same with zeros in front up to that width.
public struct DeviceIDPattern: Sendable, Hashable, CustomStringConvertible {
  fileprivate enum Piece: Sendable, Hashable {
    case text(String)
    case serial
    case number(width: Int)
  }

  private let pieces: [Piece]
  public let description: String

  public static let rule =
    "a device ID with {serial} or {n} in it, or {n:06} with a width of 1 to 18, such as meter-{serial}"

  /// nil unless `text` follows the rule.
  public init?(_ text: some StringProtocol) {
    guard text.utf8.count <= 128 else { return nil }
    var pieces: [Piece] = []
    var rest = String(text)[...]
    while let open = rest.firstIndex(of: "{") {
      guard let close = rest[open...].firstIndex(of: "}"),
        let place = Piece(place: rest[rest.index(after: open)..<close])
      else { return nil }
      pieces += [.text(String(rest[..<open])), place]
      rest = rest[rest.index(after: close)...]
    }
    guard !pieces.isEmpty else { return nil }
    pieces.append(.text(String(rest)))
    self.pieces = pieces
    description = String(text)
    guard deviceID(serial: "0", number: 0) != nil else { return nil }
  }

  /// Whether the row's number is part of the ID, so that a row that is added before others changes theirs.
  public var hasNumber: Bool {
    pieces.contains { if case .number = $0 { true } else { false } }
  }

  /// nil where what comes of it is no device ID: a serial with a dot in it, one that is too long.
  public func deviceID(for hardware: HardwareID, number: Int) -> DeviceID? {
    deviceID(serial: hardware.value, number: number)
  }

  private func deviceID(serial: String, number: Int) -> DeviceID? {
    DeviceID(
      pieces.map { piece in
        switch piece {
        case .text(let text): text
        case .serial: serial
        case .number(let width): padded(number, to: width)
        }
      }.joined())
  }

  private func padded(_ number: Int, to width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
  }
}

extension DeviceIDPattern.Piece {
  fileprivate init?(place: Substring) {
    switch place {
    case "serial": self = .serial
    case "n": self = .number(width: 1)
    default:
      guard place.hasPrefix("n:0"), let width = Int(place.dropFirst(3)), (1...18).contains(width),
        String(width) == place.dropFirst(3)
      else { return nil }
      self = .number(width: width)
    }
  }
}
