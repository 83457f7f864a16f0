import CertificateAuthority
import Crypto
import MusterModel
import MusterTesting
import TPMCommands
import TPMDevice
import TPMKeys
import Testing

/// Whose keys a TPM holds, and how they sign.
enum TPMKeyUse: CaseIterable {
  case authority, device

  struct Key {
    let publicKey: P256.Signing.PublicKey
    let sign: ([UInt8]) async throws -> P256.Signing.ECDSASignature

    func expectSigns() async throws {
      let message = Array("what is signed".utf8)
      #expect(publicKey.isValidSignature(try await sign(message), for: message))
    }
  }

  /// Keys of one holder.
  func keys(_ count: Int = 1, in tpm: SoftwareTPM) throws -> [Key] {
    let place = try #require(TPMPlace(tpm.tcti))
    let keeper = TPMKeeper(place, pin: nil)
    let device = TPMDeviceKeys(place)
    return try (0..<count).map { _ in
      switch self {
      case .authority:
        let key = try keeper.makeSigningKey()
        let blob = try #require(TPMKeyBlob(key.secret.withUnsafeBytes(Array.init)))
        return Key(publicKey: try .init(rawRepresentation: try #require(blob.point))) { message in
          try .init(derRepresentation: try await key.signer.sign(message))
        }
      case .device:
        let blob = try device.makeKey()
        return Key(publicKey: try .init(rawRepresentation: try #require(blob.point))) { message in
          try .init(rawRepresentation: try device.sign(Array(SHA256.hash(data: message)), with: blob))
        }
      }
    }
  }
}

/// A password of the owner's is what TPM2_CreatePrimary asks for and TPM2_ContextLoad does not: with one that nobody was told,
/// what signs makes no storage key.
@Suite(.serialized, .enabled(if: SoftwareTPM.isThere, "needs swtpm and tpm2-tools"), .timeLimit(.minutes(10)))
struct TPMContextTests {
  @Test(arguments: TPMKeyUse.allCases)
  func `a key that signed once signs on without its storage key, until the TPM is reset, and none stays loaded`(
    use: TPMKeyUse
  ) async throws {
    let tpm = try SoftwareTPM()
    let key = try use.keys(in: tpm)[0]
    try await key.expectSigns()
    try tpm.run("tpm2_changeauth -c owner untold")
    for _ in 0..<50 { try await key.expectSigns() }
    #expect(try tpm.handles("transient").isEmpty)
    try tpm.reset()
    await #expect(throws: (any Error).self) { try await key.expectSigns() }
    #expect(try tpm.handles("transient").isEmpty)
    try tpm.run("tpm2_changeauth -c owner -p untold")
    try await key.expectSigns()
    #expect(try tpm.handles("transient").isEmpty)
  }

  @Test(arguments: TPMKeyUse.allCases)
  func `a reset of the TPM between two signatures is not noticed`(use: TPMKeyUse) async throws {
    let tpm = try SoftwareTPM()
    let key = try use.keys(in: tpm)[0]
    for _ in 0..<3 {
      try await key.expectSigns()
      try tpm.reset()
      try await key.expectSigns()
    }
    #expect(try tpm.handles("transient").isEmpty)
  }

  @Test(arguments: TPMKeyUse.allCases)
  func `after it signed, a cleared TPM is said to have lost the key`(use: TPMKeyUse) async throws {
    let tpm = try SoftwareTPM()
    let key = try use.keys(in: tpm)[0]
    try await key.expectSigns()
    try tpm.run("tpm2_clear -c p")
    for _ in 0..<2 {
      let error = await #expect(throws: (any Error).self) { try await key.expectSigns() }
      #expect("\(try #require(error))".contains("take its key: was it cleared, or is it another TPM?"))
    }
    #expect(try tpm.handles("transient").isEmpty)
  }

  @Test(arguments: TPMKeyUse.allCases)
  func `so many keys are kept and no more; of the others each is loaded again`(use: TPMKeyUse) async throws {
    let tpm = try SoftwareTPM()
    let keys = try use.keys(TPMContexts.most + 4, in: tpm)
    for key in keys { try await key.expectSigns() }
    try tpm.run("tpm2_changeauth -c owner untold")
    var kept = 0
    for key in keys { if (try? await key.sign([1])) != nil { kept += 1 } }
    #expect(kept == TPMContexts.most)
    try tpm.run("tpm2_changeauth -c owner -p untold")
    for key in keys { try await key.expectSigns() }
  }
}
