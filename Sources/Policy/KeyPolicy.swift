public import MusterModel

/// How long the keys of a kind are used, and what rollovers may break: `keys.yaml`, read. A kind that it does not name is not
/// made, and where it says nothing of rollovers nothing may break.
public struct KeyPolicy: Sendable, Hashable {
  private let days: [RingKind: Int]
  /// From how many devices, at most, one rollover may take the old key at its deadline.
  public let mayBreak: UInt64
  private static let bounds = 1...3650
  private static let breakBounds = 0...100_000_000

  static let none = KeyPolicy(days: [:], mayBreak: 0)

  private init(days: [RingKind: Int], mayBreak: UInt64) {
    self.days = days
    self.mayBreak = mayBreak
  }

  init(_ file: PolicyFile) throws(PolicyError) {
    let root = try StrictYAML(file.bytes, file: file.name)
    let top = try root.mapping(
      known: ["version", "cryptoperiods", "rollovers"], required: ["version", "cryptoperiods"])
    try checkVersion(top["version"])
    var days: [RingKind: Int] = [:]
    for (kind, value) in try top["cryptoperiods"]?.entries() ?? [] {
      let count = try value.integer()
      guard KeyPolicy.bounds.contains(count) else {
        throw value.refuse(
          "expected \(KeyPolicy.bounds.lowerBound) to \(KeyPolicy.bounds.upperBound) days, found \(count)")
      }
      let kind = try kind.word(of: RingKind.self)
      guard days.updateValue(count, forKey: kind) == nil else {
        throw value.refuse("expected each kind once, found \(kind.rawValue) twice")
      }
    }
    self.init(days: days, mayBreak: try top["rollovers"].map(KeyPolicy.mayBreak) ?? 0)
  }

  private static func mayBreak(_ value: StrictYAML) throws(PolicyError) -> UInt64 {
    guard let count = try value.mapping(known: ["may-break"], required: ["may-break"])["may-break"] else { return 0 }
    let number = try count.integer()
    guard breakBounds.contains(number) else {
      throw count.refuse(
        "expected \(breakBounds.lowerBound) to \(breakBounds.upperBound) devices, found \(number)")
    }
    return UInt64(number)
  }

  /// After how many seconds a version of the kind is replaced at the latest; nil where the kind is not made.
  public func cryptoperiod(of kind: RingKind) -> Int64? { days[kind].map { Int64($0) * 86_400 } }
}
