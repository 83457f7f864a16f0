public import MusterModel

/// One file of `Policies/`, by its name without a folder.
public struct PolicyFile: Sendable, Hashable {
  public let name: String
  public let bytes: [UInt8]

  public init(name: String, bytes: [UInt8]) {
    self.name = name
    self.bytes = bytes
  }
}

/// The policies in force: they exist only whole.
public struct Policies: Sendable, Hashable {
  public let access: AccessPolicy
  public let enrollment: EnrollmentPolicy
  public let keys: KeyPolicy
  /// SHA-256 over, for each file in the order of names: the name's UTF-8, a zero byte, the SHA-256 of its bytes.
  public let digest: Digest
  public let files: [PolicyFile]

  /// An instance from before there were key rings has no keys.yaml, and makes none.
  public static let fileNames = ["access.yaml", "enrollment.yaml", "keys.yaml"]
  private static let required = fileNames.prefix(2)

  /// Reads all files or none. Throws `PolicyError` with the file and the line at fault.
  public static func load(files: [PolicyFile]) throws(PolicyError) -> Policies {
    let files = files.sorted { $0.name < $1.name }
    for file in files where !fileNames.contains(file.name) {
      throw PolicyError(
        file: file.name, line: nil, "expected a file of \(fileNames.joined(separator: ", ")), found another")
    }
    guard files.prefix(2).map(\.name) == Array(required), files.count <= fileNames.count else {
      let problem = "expected the files \(required.joined(separator: ", ")) once each, found \(files.count) files"
      throw PolicyError(file: "policies", line: nil, problem)
    }
    let digest = digest(of: files)
    return Policies(
      access: try AccessPolicy(files[0], digest: digest), enrollment: try EnrollmentPolicy(files[1], digest: digest),
      keys: try files.dropFirst(2).first.map { file throws(PolicyError) in try KeyPolicy(file) } ?? .none,
      digest: digest, files: files)
  }

  private static func digest(of files: [PolicyFile]) -> Digest {
    Digest.sha256(files.flatMap { Array($0.name.utf8) + [0] + Digest.sha256($0.bytes).bytes })
  }

  public func decide(
    _ principal: Principal, _ operation: Operation, group: RecordID?, ring: RecordName? = nil
  ) -> AccessDecision {
    access.decide(principal, operation, group: group, ring: ring)
  }

  public func decide(_ question: EnrollmentQuestion) -> EnrollmentDecision { enrollment.decide(question) }
}
