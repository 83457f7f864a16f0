import Attestation
import MusterModel
import Synchronization

/// The certificates of TPM makers as they were read last: reading 1,800 of them takes longer than an enrollment may. They
/// are read once, however many ask meanwhile: anyone may.
final class KnownMakers: Sendable {
  private typealias Reading = Task<MakerTrust, any Error>

  private let kept = Mutex<(version: UInt64, reading: Reading)?>(nil)

  /// Those of `version`, which the facts were read at. Where the list changed since, they are newer, and what is decided by
  /// them does not commit.
  func trust(at version: UInt64, from facts: any FactsReader) async throws -> MakerTrust {
    let reading = kept.withLock { kept in
      if let kept, kept.version == version { return kept.reading }
      // Not on the connection's event loop, where this is asked.
      let reading = Reading.detached { MakerTrust(try await facts.tpmMakers().certificates) }
      kept = (version, reading)
      return reading
    }
    do {
      return try await reading.value
    } catch {
      // The next may have more luck.
      kept.withLock { kept in if kept?.reading == reading { kept = nil } }
      throw error
    }
  }
}

extension Instance {
  /// Whom an endorsement key may be trusted by, as the facts say it.
  func trust(of key: HardwareID, _ facts: Facts) async throws -> EndorsementTrust {
    EndorsementTrust(
      makers: try await makers.trust(at: facts.makersVersion, from: self.facts), isAllowed: facts.isListed(key))
  }
}

extension Facts {
  /// Whether its very ID is on the allowlist. A pattern is no such word, for anyone can make a key that it matches.
  fileprivate func isListed(_ key: HardwareID) -> Bool {
    hardware.first { $0.id == key }?.snapshot?.listing == .allowed
  }

  fileprivate var makersVersion: UInt64 { reads.versions[.tpmMakers] ?? 0 }
}
