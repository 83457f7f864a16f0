import CertificateAuthority
import Foundation
import KeyVault
import MusterModel
import MusterTesting
import Synchronization
import TPMCommands
import TPMKeys
import Testing

/// A PIN that a test writes down, as in a file.
private final class WrittenPIN: Sendable {
  private let text: Mutex<String>
  init(_ text: String) { self.text = Mutex(text) }
  func write(_ text: String) { self.text.withLock { $0 = text } }
  func read() -> SecretBytes { SecretBytes(copying: text.withLock { Array($0.utf8) }) }
}

extension SoftwareTPM {
  fileprivate func keeper(_ pin: WrittenPIN = WrittenPIN("4711")) throws -> TPMKeeper {
    TPMKeeper(try #require(TPMPlace(tcti))) { () throws(KeyKeeperFailure) in pin.read() }
  }
}

/// PCR 16 can be reset without a restart.
private let policies = [
  TPMSealPolicy(pcrs: [16], asksPIN: false), TPMSealPolicy(pcrs: [], asksPIN: true),
  TPMSealPolicy(pcrs: [7, 16], asksPIN: true),
].compactMap(\.self)

/// With swtpm, which `Scripts/prepare` installs.
@Suite(.serialized, .enabled(if: SoftwareTPM.isThere, "needs swtpm and tpm2-tools"), .timeLimit(.minutes(10)))
struct TPMKeeperTests {
  @Test(arguments: SignerConformance.all)
  func `a CA's key in a TPM is a Signer`(_ requirement: Requirement<any Signer>) async throws {
    let tpm = try SoftwareTPM()
    try await requirement.check(try tpm.keeper().makeSigningKey().signer)
  }

  @Test(arguments: KeyProtectorConformance.all, policies)
  func `a TPM is a KeyProtector`(
    _ requirement: Requirement<KeyProtectorConformance.Subject>, policy: TPMSealPolicy
  ) async throws {
    let (own, rival) = (try SoftwareTPM(), try SoftwareTPM())
    try await requirement.check(
      .init(
        own: TPMProtector(try own.keeper(), policy: policy), rival: TPMProtector(try rival.keeper(), policy: policy),
        other: FileProtector.random()))
  }

  @Test func `neither registers nor a PIN is no policy`() {
    #expect(TPMSealPolicy(pcrs: [], asksPIN: false) == nil)
    #expect(TPMSealPolicy(pcrs: [24], asksPIN: true) == nil && TPMSealPolicy(pcrs: [-1], asksPIN: true) == nil)
  }

  @Test func `where the registers changed it opens nothing and uses no PIN up, and once they are back it opens`() throws
  {
    let tpm = try SoftwareTPM()
    let protector = TPMProtector(try tpm.keeper(), policy: TPMSealPolicy(pcrs: [16], asksPIN: true))
    let slot = try protector.wrap(.random(), slot: 1)
    try tpm.run("tpm2_pcrextend 16:sha256=" + String(repeating: "a5", count: 32))
    for _ in 0..<40 { #expect(try reason { try protector.unwrap(slot) } == .measurements) }
    try tpm.run("tpm2_pcrreset 16")
    _ = try protector.unwrap(slot)
  }

  /// Shown by the TPM's own count of failures.
  @Test func `a wrong PIN is tried once`() throws {
    let tpm = try SoftwareTPM()
    let pin = WrittenPIN("4711")
    let protector = TPMProtector(try tpm.keeper(pin), policy: TPMSealPolicy(pcrs: [], asksPIN: true))
    let slot = try protector.wrap(.random(), slot: 1)
    pin.write("1174")
    for _ in 0..<5 { #expect(try reason { try protector.unwrap(slot) } == .wrongPIN) }
    #expect(try tpm.failures() == 1)
    pin.write("4711")
    _ = try protector.unwrap(slot)
  }

  @Test func `no PIN is shown to a TPM that the next wrong one would lock`() throws {
    let tpm = try SoftwareTPM()
    try tpm.run("tpm2_dictionarylockout -s -n 3 -t 86400 -l 86400")
    let pin = WrittenPIN("4711")
    let protector = TPMProtector(try tpm.keeper(pin), policy: TPMSealPolicy(pcrs: [], asksPIN: true))
    let slot = try protector.wrap(.random(), slot: 1)
    for wrong in ["1", "2"] {
      pin.write(wrong)
      #expect(try reason { try protector.unwrap(slot) } == .wrongPIN)
    }
    pin.write("4711")
    #expect(try reason { try protector.unwrap(slot) } == .locked)
    #expect(try tpm.failures() == 2)
    try tpm.run("tpm2_dictionarylockout -c")
    _ = try protector.unwrap(slot)
  }

  @Test func `a TPM that was cleared has lost its keys, and says so`() async throws {
    let tpm = try SoftwareTPM()
    let keeper = try tpm.keeper()
    let protector = TPMProtector(keeper, policy: policies[0])
    let (key, slot) = (try keeper.makeSigningKey(), try protector.wrap(.random(), slot: 1))
    #expect(try await !key.signer.sign([1]).isEmpty && keeper.failure == nil)
    try tpm.run("tpm2_clear -c p")
    #expect(try reason { try protector.unwrap(slot) } == .lost)
    await #expect(throws: KeyKeeperFailure.self) { try await key.signer.sign([1]) }
    #expect(keeper.failure?.reason == .lost && keeper.isInUse)
  }

  @Test func `a TPM that is away is said to be away, and is taken up again when it is back`() async throws {
    let tpm = try SoftwareTPM()
    let keeper = try tpm.keeper()
    let key = try keeper.makeSigningKey()
    tpm.halt()
    await #expect(throws: KeyKeeperFailure.self) { try await key.signer.sign([1]) }
    #expect(keeper.failure?.reason == .away)
    try tpm.resume()
    keeper.probe()
    #expect(keeper.failure == nil)
    #expect(try await !key.signer.sign([1]).isEmpty)
  }

  @Test func `a signer is found again by its reference`() async throws {
    let tpm = try SoftwareTPM()
    let made = try tpm.keeper().makeSigningKey()
    let again = try tpm.keeper().signer(made.secret, of: made.signer.publicKey)
    #expect(try await !again.sign([1, 2, 3]).isEmpty)
    let cut = SecretBytes(copying: made.secret.withUnsafeBytes { Array($0.dropLast()) })
    #expect(throws: KeyKeeperFailure.self) { try tpm.keeper().signer(cut, of: made.signer.publicKey) }
  }

  /// What a call loaded is gone after it: the TPM has room for three keys and no more.
  @Test func `nothing is left in the TPM, whatever came of it`() async throws {
    let tpm = try SoftwareTPM()
    let keeper = try tpm.keeper()
    let protector = TPMProtector(keeper, policy: policies[2])
    let (key, slot) = (try keeper.makeSigningKey(), try protector.wrap(.random(), slot: 1))
    for _ in 0..<8 { _ = try await key.signer.sign([1]) }
    try tpm.run("tpm2_pcrextend 16:sha256=" + String(repeating: "a5", count: 32))
    for _ in 0..<8 { #expect(throws: VaultError.self) { try protector.unwrap(slot) } }
    for kind in ["transient", "loaded-session", "saved-session"] { #expect(try tpm.handles(kind).isEmpty, "\(kind)") }
  }

  private func reason(_ body: () throws -> some Any) throws -> KeyKeeperFailure.Reason? {
    guard case .keeper(let failure) = #expect(throws: VaultError.self, performing: { _ = try body() }) else {
      return nil
    }
    return failure.reason
  }
}
