import MusterModel

@testable import Attestation
@testable import CertificateAuthority
@testable import Policy

let fileTargets = [
  FuzzTarget("policy-yaml", upTo: 4096, policy),
  FuzzTarget("profile-yaml", upTo: 2048, profile),
  FuzzTarget("blocked-keys", upTo: 1024, blockedKeys),
  FuzzTarget("weak-firmware", upTo: 2048, weakFirmware),
]

/// Any policy: what loads has the digest that it was given, and loads the same a second time; no text is two.
@Sendable private func policy(_ bytes: [UInt8]) throws -> Bool {
  let digest = Digest.sha256(bytes)
  let isAccess = try takes(orRefusesBy: PolicyError.self) {
    let file = PolicyFile(name: "access.yaml", bytes: bytes)
    let policy = try AccessPolicy(file, digest: digest)
    try require(policy.digest == digest, "expected the file's digest")
    try require(try AccessPolicy(file, digest: digest) == policy, "expected the same a second time")
  }
  let isEnrollment = try takes(orRefusesBy: PolicyError.self) {
    let file = PolicyFile(name: "enrollment.yaml", bytes: bytes)
    let policy = try EnrollmentPolicy(file, digest: digest)
    try require(policy.digest == digest, "expected the file's digest")
    try require((1...EnrollmentPolicy.ruleLimit).contains(policy.rules.count), "expected 1 to 256 rules")
    try require(try EnrollmentPolicy(file, digest: digest) == policy, "expected the same a second time")
  }
  let isKeys = try takes(orRefusesBy: PolicyError.self) {
    let file = PolicyFile(name: "keys.yaml", bytes: bytes)
    try require(try KeyPolicy(file) == KeyPolicy(file), "expected the same a second time")
  }
  try require([isAccess, isEnrollment, isKeys].count { $0 } <= 1, "expected one text to be one policy")
  return isAccess || isEnrollment || isKeys
}

/// A profile is named as its file, and stays within the bounds that no file can lift.
@Sendable private func profile(_ bytes: [UInt8]) throws -> Bool {
  let text = text(bytes)
  let named = text.textLines.first { $0.hasPrefix("profile: ") }
  let name = String(named?.dropFirst("profile: ".count) ?? "device")
  return try takes(orRefusesBy: ProfileError.self) {
    let set = try ProfileSet.load(files: [(name: name + ".yaml", text: text)])
    guard set.names.count == 1, let profile = set.names.first.flatMap({ set[$0] }) else {
      throw BrokenInvariant(description: "expected one profile, found \(set.names)")
    }
    try require(isSame(name, profile.name), "expected the file's name, found \(profile.name)")
    try require(
      profile.overlap < profile.validity && profile.validity <= .seconds(3660 * 86_400), "expected a bounded validity")
    let isDevice = profile.subject == .device
    try require(!isDevice || profile.purposes == [.clientAuth], "expected a device to be a client alone")
    try require(!isDevice || profile.issuers == [.devices], "expected a device under its own issuer")
  }
}

/// A line more blocks a key more: nothing that stands before hides it.
@Sendable private func blockedKeys(_ bytes: [UInt8]) throws -> Bool {
  let digest = Digest.sha256(bytes)
  return try takes(orRefusesBy: BlockedKeysError.self) {
    let keys = try BlockedKeys(text: text(bytes))
    let more = try BlockedKeys(text: text(bytes) + "\n\(digest.hex) # added\n")
    let count = keys.count + (keys.contains(digest) ? 0 : 1)
    try require(more.contains(digest) && more.count == count, "expected one key more")
  }
}

/// A line more is one entry more: nothing that stands before hides it.
@Sendable private func weakFirmware(_ bytes: [UInt8]) throws -> Bool {
  try takes(orRefusesBy: WeakFirmwareError.self) {
    let list = try WeakFirmware(text: text(bytes))
    let more = try WeakFirmware(text: text(bytes) + "\nIFX 1.0 1.1 ADDED # added\n")
    try require(
      more.entries.count == list.entries.count + 1 && more.entries.last?.advisory == "ADDED", "expected one entry more")
  }
}
