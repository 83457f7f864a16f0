import CertificateAuthority
import MusterModel
import Policy

/// The profiles, policies and blocked keys of an instance's folder, read and found sound: whole or not at all.
struct Rules: Sendable {
  let profiles: ProfileSet
  let policies: Policies
  let blockedKeys: BlockedKeys
  /// Every file by its name in the folder, as the ledger keeps them.
  let files: [(name: String, bytes: [UInt8])]

  init(_ folder: InstanceFolder) throws {
    try self.init(
      profiles: try folder.files(in: "profiles", suffix: ".yaml"),
      policies: try folder.files(in: "policies", suffix: ".yaml"),
      blockedKeys: try folder.read(.blockedKeys))
  }

  init(
    profiles: [(name: String, bytes: [UInt8])], policies: [(name: String, bytes: [UInt8])], blockedKeys: [UInt8]
  ) throws {
    do {
      self.policies = try Policies.load(files: policies.map { PolicyFile(name: $0.name, bytes: $0.bytes) })
      self.profiles = try ProfileSet.load(
        files: profiles.map { ($0.name, String(decoding: $0.bytes, as: UTF8.self)) })
      self.blockedKeys = try BlockedKeys(text: String(decoding: blockedKeys, as: UTF8.self))
    } catch {
      throw CommandFailure("\(error)")
    }
    files =
      policies.map { ("policies/" + $0.name, $0.bytes) } + profiles.map { ("profiles/" + $0.name, $0.bytes) }
      + [("profiles/blocked-keys.txt", blockedKeys)]
    try checkProfileNames()
  }

  static func shipped() throws -> Rules {
    try Rules(profiles: Shipped.profiles, policies: Shipped.policies, blockedKeys: Shipped.blockedKeys)
  }

  /// A policy that names a profile which is not there would refuse at the worst time.
  private func checkProfileNames() throws {
    for name in policies.enrollment.profileNames.sorted() where profiles[name] == nil {
      throw CommandFailure(
        "enrollment.yaml: expected a profile of \(profiles.names.joined(separator: ", ")), found \(name)")
    }
  }

  var activated: PoliciesActivated {
    PoliciesActivated(files: files.map { .init(name: $0.name, digest: .sha256($0.bytes)) })
  }

  var attachments: [Attachment] { files.map { Attachment($0.bytes) } }
}
