import CertificateAuthority
import KeyVault
import MusterModel
import MusterTesting
import PKCS11Commands
import PKCS11Keys
import Testing

extension SoftwareToken {
  /// As the service has it, its PIN read from the file each time.
  func opened() throws -> PKCS11Token {
    let file = pinFile
    return PKCS11Token(try PKCS11URI(uri)) { () throws(KeyKeeperFailure) in
      guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
        throw KeyKeeperFailure(.noPIN, "expected \(file)")
      }
      return SecretBytes(copying: text.utf8.dropLast())
    }
  }
}

/// With SoftHSM2, which `Scripts/prepare` installs.
@Suite(.serialized, .enabled(if: SoftwareToken.isThere, "needs softhsm2"), .timeLimit(.minutes(10)))
struct PKCS11TokenTests {
  @Test(arguments: SignerConformance.all)
  func `a CA's key in a token is a Signer`(_ requirement: Requirement<any Signer>) async throws {
    let token = try SoftwareToken()
    try await requirement.check(try token.opened().makeSigningKey().signer)
  }

  @Test(arguments: KeyProtectorConformance.all)
  func `a token is a KeyProtector`(_ requirement: Requirement<KeyProtectorConformance.Subject>) async throws {
    let (own, rival) = (try SoftwareToken(), try SoftwareToken())
    try await requirement.check(
      .init(
        own: PKCS11Protector(try own.opened()), rival: PKCS11Protector(try rival.opened()),
        other: FileProtector.random()))
  }

  @Test func `a foreign tool sees keys that never leave the token`() throws {
    let token = try SoftwareToken()
    let opened = try token.opened()
    _ = try opened.makeSigningKey()
    _ = try PKCS11Protector(opened).wrap(.random(), slot: 1)
    for kind in ["privkey", "secrkey"] {
      let listed = try token.tool("--list-objects", "--type", kind)
      #expect(listed.status == 0 && listed.output.contains("muster"), "\(listed.output)\(listed.errors)")
      #expect(listed.output.contains("sensitive, always sensitive, never extractable, local"), "\(listed.output)")
    }
  }

  @Test func `a signer is found again by its reference, and not in another token`() async throws {
    let (token, other) = (try SoftwareToken(), try SoftwareToken())
    let made = try token.opened().makeSigningKey()
    let again = try token.opened().signer(made.secret, of: made.signer.publicKey)
    #expect(try await !again.sign([1, 2, 3]).isEmpty)
    let stranger = try other.opened()
    let error = await #expect(throws: KeyKeeperFailure.self) {
      try await stranger.signer(made.secret, of: made.signer.publicKey).sign([1])
    }
    #expect(error?.reason == .lost)
    #expect(stranger.failure?.reason == .lost)
  }

  @Test func `a signing key is made once for its ID, and anew where a break left one part of it`() throws {
    let token = try SoftwareToken()
    let opened = try token.opened()
    let id = [UInt8](repeating: 0xa5, count: 16)
    let point = try opened.signingKey(id: id, label: "muster device")
    #expect(try opened.signingKey(id: id, label: "muster device") == point)
    let deleted = try token.tool("--delete-object", "--type", "privkey", "--id", String(repeating: "a5", count: 16))
    #expect(deleted.status == 0, "\(deleted.errors)")
    let anew = try opened.signingKey(id: id, label: "muster device")
    #expect(anew != point)
    #expect(try opened.signingKey(id: id, label: "muster device") == anew)
    #expect(try opened.sign([UInt8](repeating: 1, count: 32), withKey: id).count == 64)
  }

  @Test func `a token that is taken away is said to be away, and is taken up again when it is back`() async throws {
    let token = try SoftwareToken()
    let opened = try token.opened()
    let (key, protector) = (try opened.makeSigningKey(), PKCS11Protector(opened))
    let slot = try protector.wrap(.random(), slot: 1)
    try token.takeAway()
    let error = #expect(throws: VaultError.self) { try protector.unwrap(slot) }
    guard case .keeper(let failure) = error, failure.reason == .away else {
      throw Unmet(description: "expected it away, found \(String(describing: error))")
    }
    await #expect(throws: KeyKeeperFailure.self) { try await key.signer.sign([1]) }
    opened.probe()
    #expect(opened.failure?.reason == .away && opened.isInUse)
    try token.putBack()
    opened.probe()
    #expect(opened.failure == nil)
    #expect(try await !key.signer.sign([1]).isEmpty)
    _ = try protector.unwrap(slot)
  }

  /// A token counts wrong PINs and locks itself: the same is never shown to it twice. Shown by changing the token's PIN to the
  /// one that was refused: it would be taken, were it tried.
  @Test func `a wrong PIN is tried once`() throws {
    let token = try SoftwareToken()
    try token.write(pin: "other-horse")
    let opened = try token.opened()
    func reason() -> KeyKeeperFailure.Reason? {
      guard
        case .keeper(let failure) = #expect(
          throws: VaultError.self, performing: { try PKCS11Protector(opened).wrap(.random(), slot: 1) })
      else { return nil }
      return failure.reason
    }
    #expect(reason() == .wrongPIN)
    let changed = try token.tool("--change-pin", "--new-pin", "other-horse")
    #expect(changed.status == 0, "\(changed.errors)")
    #expect(reason() == .wrongPIN && reason() == .wrongPIN)
    #expect(try PKCS11Protector(try token.opened()).wrap(.random(), slot: 1).kind == .pkcs11)
  }

  @Test func `the right PIN in the file is taken without a new start`() throws {
    let token = try SoftwareToken()
    try token.write(pin: "other-horse")
    let protector = PKCS11Protector(try token.opened())
    #expect(throws: VaultError.self) { try protector.wrap(.random(), slot: 1) }
    try token.write(pin: SoftwareToken.pin)
    #expect(try protector.wrap(.random(), slot: 1).kind == .pkcs11)
  }

  @Test func `a slot that was forgotten opens nothing`() throws {
    let token = try SoftwareToken()
    let protector = PKCS11Protector(try token.opened())
    let (first, second) = (try protector.wrap(.random(), slot: 1), try protector.wrap(.random(), slot: 2))
    try protector.forget(first)
    #expect(throws: VaultError.self) { try protector.unwrap(first) }
    _ = try protector.unwrap(second)
    try protector.forget(first)
  }

  @Test(arguments: ["/nowhere/module.so", "/usr/lib/x86_64-linux-gnu/libz.so.1"])
  func `what is no module is said to be none`(path: String) throws {
    let uri = try PKCS11URI("pkcs11:token=t?module-path=\(path)&pin-source=file:/dev/null")
    let token = PKCS11Token(uri) { () throws(KeyKeeperFailure) in .random(count: 4) }
    let error = #expect(throws: KeyKeeperFailure.self) { try token.makeSigningKey() }
    #expect(error?.reason == .away && error?.description.contains(path) == true)
  }
}
