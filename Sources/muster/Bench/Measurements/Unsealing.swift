import Foundation
import KeyVault
import MusterModel

/// How long a vault takes to open by a passphrase, beside scrypt alone by the openssl program.
struct Unsealing: Measurement {
  let name = "unseal"
  let title = "unseal by passphrase"

  private static let rounds = 5

  func figure(on stage: BenchStage) async throws -> Figure {
    let protector = try PassphraseProtector(SecretBytes(copying: "correct horse battery".utf8))
    let first = Vault()
    let root = RootKey.random()
    try first.unseal(root: root, keks: [])
    let kek = try first.addKEK()
    let slot = try first.slot(1, for: protector)
    let (clock, cpu) = (ContinuousClock(), ownCPUMicroseconds())
    let opened = try (0..<Unsealing.rounds).map { _ in
      let began = clock.now
      try Vault().unseal(slot, with: protector, keks: [kek])
      return (clock.now - began).seconds * 1000
    }.sorted()
    let load = Load(
      latencies: opened, seconds: opened.reduce(0, +) / 1000, cpuMicroseconds: ownCPUMicroseconds() - cpu)
    return figure(timeOf: load, baseline: "scrypt", try Unsealing.scrypt())
  }

  /// The median of as many, in microseconds, with the program's start.
  private static func scrypt() throws -> Double {
    let clock = ContinuousClock()
    return try (0..<rounds).map { _ in
      let began = clock.now
      _ = try OpenSSLTool.run([
        "kdf", "-keylen", "32", "-kdfopt", "pass:bench", "-kdfopt", "hexsalt:00112233445566778899aabbccddeeff",
        "-kdfopt", "n:65536", "-kdfopt", "r:8", "-kdfopt", "p:1", "SCRYPT",
      ])
      return (clock.now - began).seconds * 1e6
    }.sorted()[rounds / 2]
  }
}
