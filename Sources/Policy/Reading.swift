import Attestation
import MusterModel

/// The version of the files' form.
private let formVersion = 1

func checkVersion(_ value: StrictYAML?) throws(PolicyError) {
  guard let value, try value.integer() != formVersion else { return }
  throw value.refuse("expected version \(formVersion), found another")
}

extension AccessPolicy {
  init(_ file: PolicyFile, digest: Digest) throws(PolicyError) {
    let root = try StrictYAML(file.bytes, file: file.name)
    let top = try root.mapping(known: ["version", "allow"], required: ["version", "allow"])
    try checkVersion(top["version"])
    let names = AccessList.allCases.map(\.description)
    var lists: [AccessList: [Operation: AllowedRings]] = [:]
    for (name, value) in try top["allow"]?.mapping(known: names, required: []) ?? [:] {
      guard let list = AccessList(name) else { continue }
      lists[list] = try AccessPolicy.operations(value, of: list)
    }
    self.init(lists: lists, digest: digest)
  }

  /// The star stands alone, and for the administrator alone: a role that may do all by accident is a role too many.
  private static func operations(
    _ value: StrictYAML, of list: AccessList
  ) throws(PolicyError) -> [Operation: AllowedRings] {
    let words = try value.sequence(upTo: 256)
    if let first = words.first, try first.word() == "*" {
      guard list == .role(.administrator), words.count == 1 else {
        throw first.refuse("expected \"*\" alone and for administrator alone, found it for \(list)")
      }
      return Dictionary(uniqueKeysWithValues: Operation.allCases.map { ($0, .all) })
    }
    var operations: [Operation: AllowedRings] = [:]
    for entry in try value.set({ entry throws(PolicyError) in try AccessEntry(entry) }) {
      guard let operation = entry.operation else { continue }
      switch (operations[operation], entry.ring) {
      case (nil, nil): operations[operation] = .all
      case (nil, let ring?): operations[operation] = .named([ring])
      case (.named(let rings), let ring?): operations[operation] = .named(rings.union([ring]))
      case (.all, _), (.named, nil):
        throw value.refuse("expected \(operation.rawValue) either for all key rings or by name, found both for \(list)")
      }
    }
    return operations
  }
}

/// One entry of a list: an operation, or one with the key ring that it is for.
private struct AccessEntry: Hashable {
  /// nil for one of those that there were once.
  let operation: Operation?
  private let retired: String?
  /// Its folded name.
  let ring: String?

  init(_ value: StrictYAML) throws(PolicyError) {
    let word = try value.word()
    guard let colon = word.firstIndex(of: ":") else {
      retired = Operation.retired.contains(word) ? word : nil
      operation = retired == nil ? try value.word(of: Operation.self) : nil
      ring = nil
      return
    }
    let (name, ring) = (word[..<colon], word[word.index(after: colon)...])
    guard let operation = Operation(rawValue: String(name)), operation.isOfRing else {
      throw value.refuse("expected an operation that concerns a key ring before the colon, found another")
    }
    guard let ring = RecordName(ring) else {
      throw value.refuse("expected a key ring's name (\(RecordName.rule)) after the colon, found another text")
    }
    (retired, self.operation) = (nil, operation)
    self.ring = ring.folded
  }
}

extension EnrollmentPolicy {
  static let ruleLimit = 256

  init(_ file: PolicyFile, digest: Digest) throws(PolicyError) {
    let root = try StrictYAML(file.bytes, file: file.name)
    let keys = ["version", "profiles", "rules"]
    let top = try root.mapping(known: keys, required: keys)
    try checkVersion(top["version"])
    guard let profiles = top["profiles"], let rules = top["rules"] else { throw root.refuse("expected \(keys)") }
    var read: [Rule] = []
    for entry in try rules.sequence(upTo: EnrollmentPolicy.ruleLimit) {
      let rule = try Rule(entry)
      guard !read.contains(where: { $0.name == rule.name }) else {
        throw entry.refuse("expected each rule's name once, found \(rule.name) twice")
      }
      read.append(rule)
    }
    self.init(profiles: try Profiles(profiles), rules: read, digest: digest)
  }
}

extension EnrollmentPolicy.Profiles {
  fileprivate init(_ value: StrictYAML) throws(PolicyError) {
    let keys = ["device", "operator", "hub", "server", "ocsp-responder"]
    let values = try value.mapping(known: keys, required: keys)
    func name(_ key: String) throws(PolicyError) -> String {
      guard let value = values[key] else { throw value.refuse("expected the key \(key), found none") }
      return try value.name()
    }
    self.init(
      device: try name("device"), operator: try name("operator"), hub: try name("hub"), server: try name("server"),
      ocspResponder: try name("ocsp-responder"))
  }
}

extension EnrollmentPolicy.Rule {
  fileprivate init(_ value: StrictYAML) throws(PolicyError) {
    let known =
      ["name", "verdict", "evidence", "act", "standing", "groups", "hardware", "credentials", "endorsement"]
      + EnrollmentPolicy.Rule.keysOfPermits
    let values = try value.mapping(known: known, required: ["name", "verdict"])
    guard let name = values["name"], let verdict = values["verdict"] else { throw value.refuse("expected a rule") }
    self.init(
      name: try name.name(), verdict: try verdict.word(of: Verdict.self),
      evidence: try values["evidence"]?.words(of: Evidence.Kind.self),
      acts: try values["act"]?.words(of: EnrollmentQuestion.Act.self),
      standings: try values["standing"]?.words(of: Standing.self),
      groups: try values["groups"]?.set { entry throws(PolicyError) in
        guard let name = RecordName(try entry.word()) else {
          throw entry.refuse("expected a group's name (\(RecordName.rule)), found another text")
        }
        return name.folded
      },
      hardware: try values["hardware"]?.words(of: HardwareID.Kind.self),
      credentials: try values["credentials"]?.words(of: DeviceCredentials.self),
      endorsements: try values["endorsement"]?.words(of: TPMEndorsement.self),
      requiresSecureBoot: try values["secure-boot"]?.word(of: Requirement.self) == .required,
      registers: try values["pcrs"]?.registers() ?? [:],
      accepts: try EnrollmentPolicy.Rule.accepted(values),
      profile: try values["profile"]?.name())
    for key in EnrollmentPolicy.Rule.keysOfPermits {
      guard self.verdict == .refuse, let value = values[key] else { continue }
      throw value.refuse("expected no \(key) in a rule that refuses, found one")
    }
  }

  /// What only a permit can mean: a rule that refuses what a TPM shows would not refuse one that shows nothing.
  private static let keysOfPermits = ["secure-boot", "pcrs", "profile"] + Shortcoming.allCases.map(\.rawValue)

  private static func accepted(_ values: [String: StrictYAML]) throws(PolicyError) -> Set<Shortcoming> {
    var accepted: Set<Shortcoming> = []
    for shortcoming in Shortcoming.allCases {
      guard let value = values[shortcoming.rawValue], try value.word(of: Acceptance.self) == .accept else { continue }
      accepted.insert(shortcoming)
    }
    return accepted
  }
}

/// The one thing to be said of what is worth less.
private enum Acceptance: String, CaseIterable { case accept }

/// The one thing to be said of what must be shown.
private enum Requirement: String, CaseIterable { case required }

extension StrictYAML {
  /// Registers of the SHA-256 bank by number, with the values that each may have.
  fileprivate func registers() throws(PolicyError) -> [Int: Set<Digest>] {
    var registers: [Int: Set<Digest>] = [:]
    for (key, value) in try entries() {
      let number = try key.integer()
      guard MeasuredBoot.registers.contains(number) else {
        throw key.refuse("expected a register from 0 to \(MeasuredBoot.registers.upperBound - 1), found \(number)")
      }
      guard registers[number] == nil else { throw key.refuse("expected each register once, found \(number) twice") }
      registers[number] = try value.set { entry throws(PolicyError) in
        guard let digest = Digest(hex: try entry.word()) else {
          throw entry.refuse("expected a SHA-256 register in 64 hexadecimal digits, found another text")
        }
        return digest
      }
    }
    guard !registers.isEmpty else { throw refuse("expected registers by number, found none") }
    return registers
  }

  /// The name of a rule or profile: 1 to 64 of `a-z 0-9 -`.
  fileprivate func name() throws(PolicyError) -> String {
    let text = try word()
    let allowed = Set("abcdefghijklmnopqrstuvwxyz0123456789-".utf8)
    guard text.utf8.count <= 64, text.utf8.allSatisfy(allowed.contains) else {
      throw refuse("expected a name of 1 to 64 of a-z 0-9 -, found another text")
    }
    return text
  }
}
