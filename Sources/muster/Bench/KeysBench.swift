import ArgumentParser
import CertificateAuthority
import Foundation
import MusterModel

extension BenchCommand {
  /// How fast a CA signs, by where its key lives.
  struct Keys: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Measures how fast a CA signs with a key in memory, and in the token and the TPM that are named.",
      discussion: """
        Example: muster bench keys --pkcs11 'pkcs11:token=muster?module-path=…&pin-source=file:…'
        A key is made for it, and destroyed after.
        """)
    @OptionGroup var keeperOptions: KeyKeeperOptions
    @Option(help: "How many signatures each gives.") var count = 1000
    @Option(help: "How many are waited for at once.") var callers = 16
    @OptionGroup var output: Output

    func validate() throws {
      guard (1...1_000_000).contains(count), (1...1024).contains(callers) else {
        throw ValidationError("expected 1 to 1000000 signatures and 1 to 1024 callers")
      }
    }

    func run() async throws {
      let keepers = try keeperOptions.keepers()
      var listing = output.listing([
        Column<SigningRate>("key") { $0.key }, Column("a second") { decimal($0.perSecond) },
        Column("p50 ms") { decimal($0.p50) }, Column("p99 ms") { decimal($0.p99) },
      ])
      for place in CAKeys.allCases where keepers.has(place) {
        let key = try await onItsThread { try keepers.issuingKey(place) }
        defer { keepers.forget(key, in: place) }
        try listing.add(try await SigningRate(of: key.signer, named: place.rawValue, count, callers))
      }
      listing.finish()
    }
  }
}

/// A key's signatures: so many a second, and the milliseconds that one is waited for.
struct SigningRate: Encodable, Sendable {
  let key: String
  let perSecond, p50, p99: Double

  init(of signer: any Signer, named key: String, _ count: Int, _ callers: Int) async throws {
    let message = [UInt8](repeating: 0x5a, count: 1024)
    _ = try await signer.sign(message)
    let clock = ContinuousClock()
    let began = clock.now
    let latencies = try await inParallel(count, callers) { _ in
      let began = clock.now
      _ = try await signer.sign(message)
      return (clock.now - began).seconds * 1000
    }.sorted()
    self.key = key
    perSecond = Double(count) / (clock.now - began).seconds
    (p50, p99) = (latencies[count / 2], latencies[min(count - 1, count * 99 / 100)])
  }
}
