import MusterModel

@testable import KeyVault

let vaultTargets = [
  FuzzTarget("shared-access-token", upTo: 1100, sharedAccessToken),
  FuzzTarget("enrollment-token", upTo: 1100, enrollmentToken),
  FuzzTarget("slot", upTo: 128, slot), FuzzTarget("wrapped-kek", upTo: 128, wrappedKEK),
  FuzzTarget("sealed-secret", upTo: 512, sealedSecret), FuzzTarget("ring-text", upTo: 512, ringText),
  FuzzTarget("vault-share", upTo: 320, vaultShare),
]

/// A share is written in one way, which reads as the same share.
@Sendable private func vaultShare(_ bytes: [UInt8]) throws -> Bool {
  switch VaultShare.parse(SecretBytes(copying: bytes)) {
  case .failure(let refusal):
    try requirePlain(refusal)
    return false
  case .success(let share):
    guard case .success(let again) = VaultShare.parse(share.text) else {
      throw BrokenInvariant(description: "expected a share's own text to read")
    }
    try require(again.slot == share.slot && again.number == share.number, "expected the same numbers")
    try require(again.text.isEqual(to: share.text), "expected the same text")
    return true
  }
}

/// A slot is its bytes, and none but the vector's own opens with the vector's key.
@Sendable private func slot(_ bytes: [UInt8]) throws -> Bool {
  try takes(orRefusesBy: VaultError.self) {
    let slot = try Slot(bytes)
    try require(slot.bytes == bytes, "expected the slot as it was read")
    let opens = (try? Vector.shared.get().protector.unwrap(slot)) != nil
    try require(opens == (bytes == Vector.slot), "expected the vector's slot alone to open")
  }
}

/// What a ring gave is written as it was read, and is of one kind alone.
@Sendable private func ringText(_ bytes: [UInt8]) throws -> Bool {
  let text = String(decoding: bytes, as: UTF8.self)
  let read = RingText.Kind.allCases.compactMap { RingText(text, as: $0) }
  try require(read.count <= 1, "expected one kind")
  guard let found = read.first else { return false }
  try require(isSame(found.description, text), "expected the text as it was read")
  return true
}

@Sendable private func wrappedKEK(_ bytes: [UInt8]) throws -> Bool {
  try takes(orRefusesBy: VaultError.self) {
    let kek = try WrappedKEK(bytes)
    try require(kek.bytes == bytes, "expected the KEK as it was read")
    let opens = (try? kek.open(under: Vector.shared.get().root)) != nil
    try require(opens == (bytes == Vector.kek), "expected the vector's KEK alone to open")
  }
}

@Sendable private func sealedSecret(_ bytes: [UInt8]) throws -> Bool {
  let vector = try Vector.shared.get()
  let opens = try takes(orRefusesBy: VaultError.self) {
    let sealed = SealedSecret(owner: vector.owner, purpose: "issuer", version: 2, bytes: bytes)
    let secret = try vector.vault.open(sealed)
    try require(secret.isEqual(to: SecretBytes(copying: "canary".utf8)), "expected the vector's secret")
  }
  try require(opens == (bytes == Vector.sealed), "expected the vector's record alone to open")
  return opens
}

/// Of Tests/Vectors/vault.json, which another hand wrote.
private struct Vector: Sendable {
  static let key = Hex.decode("6465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f80818283") ?? []
  static let slot =
    Hex.decode(
      "01010000000700000032333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f50516a008190948169e4f500d62fc5"
        + "0099ef548ce43b0aca93881ff1e6f11b5944d1d24e761e8bf167058b6aad18fbb8ba1b44541a8d40a78e84") ?? []
  static let kek =
    Hex.decode(
      "0100000003ae1f5c4903aa6b0ed126e192d386858e62232df11eba66bf977e0d4f5acfa47541f0a6ff3cb849ed8cf101eac398557e9abd"
        + "c9ff87fed90e") ?? []
  static let sealed =
    Hex.decode(
      "010000000332333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f5051ccca23e417bae2fcbd4b6ba4aa68a0fe28d7"
        + "8e59cf8e553f4e69da96be3bc94e6b5f70b3a4aa89d327a984750f9417edc49d1d635dbf") ?? []
  static let shared = Result { try Vector() }

  let protector: FileProtector
  let root: RootKey
  let vault = Vault()
  let owner: RecordID

  init() throws {
    protector = try FileProtector(key: SecretBytes(copying: Vector.key))
    root = try protector.unwrap(try Slot(Vector.slot))
    try vault.unseal(root: root, keks: [try WrappedKEK(Vector.kek)])
    guard let owner = RecordID("key_01k742sg09f44rjft085146h25") else {
      throw BrokenInvariant(description: "expected the vector's owner")
    }
    self.owner = owner
  }
}

/// An enrollment's token is no device's, names the same in any order, and is no other key's.
@Sendable private func enrollmentToken(_ bytes: [UInt8]) throws -> Bool {
  guard let token = EnrollmentToken(text(bytes)) else { return false }
  let scheme = "SharedAccessSignature "
  let fields = text(bytes).dropFirst(scheme.count).split(separator: "&", omittingEmptySubsequences: false)
  let again = EnrollmentToken(scheme + fields.reversed().joined(separator: "&"))
  try require(again == token, "expected the same token in another order")
  try require(token.signature(under: .random()) != token.signature, "expected a signature by its own key alone")
  guard case .failure = SharedAccessToken.parse(text(bytes)) else {
    throw BrokenInvariant(description: "expected no device's token, found one")
  }
  return true
}

/// The order of the fields is no part of a token, and no key that was made just now signed it.
@Sendable private func sharedAccessToken(_ bytes: [UInt8]) throws -> Bool {
  guard case .success(let token) = SharedAccessToken.parse(text(bytes)) else { return false }
  let scheme = "SharedAccessSignature "
  let fields = text(bytes).dropFirst(scheme.count).split(separator: "&", omittingEmptySubsequences: false)
  try require(fields.count == 3, "expected three fields, found \(fields.count)")
  let again = SharedAccessToken.parse(scheme + fields.reversed().joined(separator: "&"))
  try require(again == .success(token), "expected the same token in another order")
  try require(!token.isSigned(by: DeviceKey.random()), "expected a signature by its own key alone")
  let moment = token.expires - .seconds(1)
  try require(token.refusal(at: moment, host: token.host) == nil, "expected a token in its last second")
  try require(token.refusal(at: token.expires, host: token.host) != nil, "expected a token that ends")
  return true
}
