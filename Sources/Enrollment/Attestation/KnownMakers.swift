import Attestation
import MusterModel
import Synchronization

/// The certificates of TPM makers as they were read last: reading 1,800 of them takes longer than an enrollment may.
final class KnownMakers: Sendable {
  private let kept = Mutex<(version: UInt64, trust: MakerTrust)?>(nil)

  /// Those of `version`, which the facts were read at. Where the list changed since, they are newer, and what is decided by
  /// them does not commit.
  func trust(at version: UInt64, from facts: any FactsReader) async throws -> MakerTrust {
    if let kept = kept.withLock({ $0 }), kept.version == version { return kept.trust }
    let read = try await facts.tpmMakers()
    // Not on the connection's event loop, where this is asked.
    let trust = await Task.detached { MakerTrust(read.certificates) }.value
    kept.withLock { $0 = (read.version, trust) }
    return trust
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
