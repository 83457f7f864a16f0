import Yams

/// Reads one profile by its schema: each key once, none unknown, each value of its kind, and the whole in agreement.
struct ProfileReader {
  private enum Key: String, CaseIterable {
    case profile, `for`, issuers, excess, validity, backdating, overlap, addresses
    case alternativeNames = "alternative-names"
    case keyUsage = "key-usage"
    case extendedKeyUsage = "extended-key-usage"
    case keyAlgorithms = "key-algorithms"
  }

  private let file: String
  private let entries: [Key: YAMLMapping.Entry]

  static func read(file: String, text: String) throws(ProfileError) -> Profile {
    try ProfileReader(YAMLMapping(file: file, text: text)).profile()
  }

  private init(_ mapping: YAMLMapping) throws(ProfileError) {
    file = mapping.file
    var entries: [Key: YAMLMapping.Entry] = [:]
    for entry in mapping.entries {
      guard let key = Key(rawValue: entry.key) else {
        throw ProfileError(
          file: file, line: entry.line, expected: "one of \(Self.list(Key.allCases.map(\.rawValue)))", found: entry.key)
      }
      entries[key] = entry
    }
    for key in Key.allCases where entries[key] == nil {
      throw ProfileError(file: file, line: 1, expected: "the key \(key.rawValue)", found: "none")
    }
    self.entries = entries
  }

  private func profile() throws(ProfileError) -> Profile {
    let profile = Profile(
      name: try scalar(.profile), subject: try value(.for), issuers: Set(try values(.issuers, atLeast: 1)),
      alternativeNames: try values(.alternativeNames, atLeast: 0), keyUsage: try values(.keyUsage, atLeast: 1),
      purposes: try values(.extendedKeyUsage, atLeast: 1), keyAlgorithms: Set(try values(.keyAlgorithms, atLeast: 1)),
      validity: try duration(.validity, Self.hour...Self.day * 3660),
      backdating: try duration(.backdating, .zero...Self.day),
      overlap: try duration(.overlap, .zero...Self.day * 3660), addresses: Set(try values(.addresses, atLeast: 0)),
      excess: try value(.excess))
    try requireAgreement(profile)
    return profile
  }

  private static let hour = Duration.seconds(3600)
  private static let day = Duration.seconds(86_400)

  // MARK: The whole

  /// What one key says may contradict another; a device must not become a server or a responder by a slip of the pen.
  private func requireAgreement(_ profile: Profile) throws(ProfileError) {
    let rule = Self.rules(profile.subject)
    let fileName = file.split(separator: "/").last.map(String.init) ?? file
    try require(fileName == profile.name + ".yaml", .profile, "the file's name without .yaml")
    try require(Self.isName(profile.name), .profile, "1 to 64 of a-z 0-9 -")
    try require(profile.issuers.isSubset(of: rule.issuers), .issuers, "only \(Self.list(rule.issuers))")
    try require(
      Set(profile.purposes).isSubset(of: rule.purposes), .extendedKeyUsage, "only \(Self.list(rule.purposes))")
    try require(
      Set(profile.alternativeNames).isSubset(of: rule.names), .alternativeNames, "only \(Self.list(rule.names))")
    try require(profile.keyUsage.contains(.digitalSignature), .keyUsage, "digital-signature among them")
    try require(profile.overlap < profile.validity, .overlap, "less than the validity")
  }

  private static func isName(_ name: String) -> Bool {
    (1...64).contains(name.utf8.count)
      && name.allSatisfy { ("a"..."z").contains($0) || ("0"..."9").contains($0) || $0 == "-" }
  }

  private struct Rule {
    let issuers: Set<IssuerUse>
    let purposes: Set<Profile.Purpose>
    let names: Set<Profile.AlternativeName>
  }

  private static func rules(_ subject: Profile.Subject) -> Rule {
    switch subject {
    case .device: Rule(issuers: [.devices], purposes: [.clientAuth], names: [.spiffeID, .certificateName])
    case .operator: Rule(issuers: [.service], purposes: [.clientAuth], names: [.spiffeID, .certificateName])
    case .hub:
      Rule(
        issuers: [.service], purposes: [.clientAuth, .serverAuth], names: [.spiffeID, .certificateName, .hostNames])
    case .server: Rule(issuers: [.service], purposes: [.serverAuth], names: [.hostNames])
    case .ocspResponder: Rule(issuers: [.devices, .service], purposes: [.ocspSigning], names: [])
    }
  }

  private func require(_ holds: Bool, _ key: Key, _ expected: String) throws(ProfileError) {
    guard !holds else { return }
    let found = entries[key].map { Self.text($0.value) } ?? "none"
    throw error(key, "\(expected) for \(key.rawValue)", found)
  }

  // MARK: The values

  private func scalar(_ key: Key) throws(ProfileError) -> String {
    guard let text = entries[key]?.value.scalar?.string else { throw error(key, "one value", "a list or mapping") }
    return text
  }

  private func value<Value: RawRepresentable & CaseIterable>(
    _ key: Key
  ) throws(ProfileError) -> Value where Value.RawValue == String {
    let text = try scalar(key)
    guard let value = Value(rawValue: text) else { throw error(key, "one of \(Self.list(Value.allCases))", text) }
    return value
  }

  private func values<Value: RawRepresentable & CaseIterable & Hashable>(
    _ key: Key, atLeast minimum: Int
  ) throws(ProfileError) -> [Value] where Value.RawValue == String {
    guard let nodes = entries[key]?.value.sequence else {
      throw error(key, "a list in brackets", entries[key].map { Self.text($0.value) } ?? "none")
    }
    var values: [Value] = []
    for node in nodes {
      guard let value = Value(rawValue: node.scalar?.string ?? ""), !values.contains(value) else {
        throw ProfileError(
          file: file, line: node.mark?.line ?? 1, expected: "each once of \(Self.list(Value.allCases))",
          found: Self.text(node))
      }
      values.append(value)
    }
    guard values.count >= minimum else {
      throw error(key, "at least \(minimum) of \(Self.list(Value.allCases))", "none")
    }
    return values
  }

  /// A whole number of minutes, hours or days: `30m`, `1h`, `397d`.
  private func duration(_ key: Key, _ range: ClosedRange<Duration>) throws(ProfileError) -> Duration {
    let text = try scalar(key)
    let units: [Character: Int64] = ["m": 60, "h": 3600, "d": 86_400]
    guard (2...6).contains(text.utf8.count), let unit = text.last.flatMap({ units[$0] }),
      text.dropLast().allSatisfy({ ("0"..."9").contains($0) }), let count = Int64(text.dropLast()),
      range.contains(.seconds(count * unit))
    else {
      throw error(key, "a time such as 30m, 1h or 397d, within \(range.lowerBound) to \(range.upperBound)", text)
    }
    return .seconds(count * unit)
  }

  private func error(_ key: Key, _ expected: String, _ found: String) -> ProfileError {
    ProfileError(file: file, line: entries[key]?.line ?? 1, expected: expected, found: found)
  }

  private static func text(_ node: Node) -> String {
    if let text = node.scalar?.string { return text.isEmpty ? "nothing" : String(text.prefix(80)) }
    return node.sequence == nil
      ? "a mapping" : "[" + (node.sequence?.compactMap { $0.scalar?.string }.joined(separator: ", ") ?? "") + "]"
  }

  private static func list(_ values: some Sequence<String>) -> String { values.joined(separator: ", ") }
  private static func list<Value: RawRepresentable>(_ values: some Sequence<Value>) -> String
  where Value.RawValue == String { list(values.map(\.rawValue).sorted()) }
}
