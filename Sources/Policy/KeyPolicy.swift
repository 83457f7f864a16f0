public import MusterModel

/// How long the keys of a kind are used: `keys.yaml`, read. A kind that it does not name is not made.
public struct KeyPolicy: Sendable, Hashable {
  private let days: [RingKind: Int]
  private static let bounds = 1...3650

  static let none = KeyPolicy(days: [:])

  private init(days: [RingKind: Int]) { self.days = days }

  init(_ file: PolicyFile) throws(PolicyError) {
    let root = try StrictYAML(file.bytes, file: file.name)
    let top = try root.mapping(known: ["version", "cryptoperiods"], required: ["version", "cryptoperiods"])
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
    self.init(days: days)
  }

  /// After how many seconds a version of the kind is replaced at the latest; nil where the kind is not made.
  public func cryptoperiod(of kind: RingKind) -> Int64? { days[kind].map { Int64($0) * 86_400 } }
}
