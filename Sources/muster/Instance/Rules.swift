import Attestation
import CertificateAuthority
import MusterModel
import Policy

/// The profiles, policies, blocked keys and weak firmware of an instance's folder, read and found sound: whole or not at all.
struct Rules: Sendable {
  let profiles: ProfileSet
  let policies: Policies
  let blockedKeys: BlockedKeys
  let weakFirmware: WeakFirmware
  /// Every file by its name in the folder, as the ledger keeps them.
  let files: [(name: String, bytes: [UInt8])]

  init(_ folder: InstanceFolder) throws {
    try self.init(
      profiles: try folder.files(in: "profiles", suffix: ".yaml"),
      policies: try folder.files(in: "policies", suffix: ".yaml"),
      blockedKeys: try folder.read(.blockedKeys),
      weakFirmware: folder.readIfThere(.weakFirmware) ?? Shipped.weakFirmware)
  }

  init(
    profiles: [(name: String, bytes: [UInt8])], policies: [(name: String, bytes: [UInt8])], blockedKeys: [UInt8],
    weakFirmware: [UInt8]
  ) throws {
    do {
      self.policies = try Policies.load(files: policies.map { PolicyFile(name: $0.name, bytes: $0.bytes) })
      self.profiles = try ProfileSet.load(
        files: profiles.map { ($0.name, String(decoding: $0.bytes, as: UTF8.self)) })
      self.blockedKeys = try BlockedKeys(text: String(decoding: blockedKeys, as: UTF8.self))
      self.weakFirmware = try WeakFirmware(text: String(decoding: weakFirmware, as: UTF8.self))
    } catch {
      throw CommandFailure("\(error)")
    }
    files =
      policies.map { ("policies/" + $0.name, $0.bytes) } + profiles.map { ("profiles/" + $0.name, $0.bytes) }
      + [("profiles/blocked-keys.txt", blockedKeys), ("profiles/weak-firmware.txt", weakFirmware)]
    try checkProfileNames()
  }

  static func shipped() throws -> Rules {
    try Rules(
      profiles: Shipped.profiles, policies: Shipped.policies, blockedKeys: Shipped.blockedKeys,
      weakFirmware: Shipped.weakFirmware)
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
