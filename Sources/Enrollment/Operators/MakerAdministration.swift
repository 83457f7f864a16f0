import Attestation
import Foundation
import MusterModel
import Policy

// The certificates of TPM makers under which endorsement keys are trusted.

public struct MakerInput: Codable, Sendable, Hashable {
  /// Certificates in PEM, at most 64 in all.
  public let certificates: [String]
  public init(certificates: [String]) { self.certificates = certificates }
}

extension Administration {
  /// Trusts certificates, each in DER: those that are refused are said, the others are trusted from the commit on. What
  /// is there already stays as it is.
  public func importMakers(_ certificates: [[UInt8]], by caller: Caller) async throws -> Outcome<[MakerResult]> {
    guard (1...TPMMakersImported.limit).contains(certificates.count) else {
      return .refused(.malformed("certificates", "1 to \(TPMMakersImported.limit) certificates"))
    }
    let read = certificates.map { der in (Digest.sha256(der), self.read(der)) }
    let results = read.map { MakerResult($0, $1) }
    var query = FactsQuery()
    query.tpmMakers = true
    return try await change(.caTrustImport, by: caller, asking: query, group: { _ in nil }) {
      _, grant, actor, now in
      let there = try await instance.facts.tpmMakers().certificates.map { Digest.sha256($0) }
      var known = Set(there)
      let new = read.compactMap { digest, found -> MakerIssuer? in
        guard case .success(let issuer) = found, known.insert(digest).inserted else { return nil }
        return issuer
      }
      guard known.count <= MakerTrust.limit.certificates else { return .refused(.tooManyMakers(known.count)) }
      guard !new.isEmpty else { return .unchanged(results) }
      let event = try Event(
        at: now, by: actor, on: [.tpmMakers], policy: grant.decidedBy,
        TPMMakersImported(certificates: new.map(\.digest)), attachments: new.map { Attachment($0.der) })
      return .commit(UnitOfWork(events: [event]), results)
    }
  }

  private func read(_ der: [UInt8]) -> Result<MakerIssuer, Refusal> {
    MakerIssuer.parse(der).mapError { Refusal(.invalid, $0.code, $0.description) }.flatMap { issuer in
      instance.authorities.isOwn(issuer.key) ? .failure(.ownAnchor) : .success(issuer)
    }
  }

  /// Trusts a certificate no more. Devices that enrolled by it stay.
  public func removeMaker(_ fingerprint: String, by caller: Caller) async throws -> Outcome<String> {
    guard let digest = Digest(hex: fingerprint) else {
      return .refused(.malformed("fingerprint", "a SHA-256 in 64 hexadecimal digits"))
    }
    var query = FactsQuery()
    query.tpmMakers = true
    return try await change(.caTrustRemove, by: caller, asking: query, group: { _ in nil }) {
      _, grant, actor, now in
      guard try await instance.facts.tpmMakers().certificates.contains(where: { Digest.sha256($0) == digest }) else {
        return .refused(.makerUnknown)
      }
      let event = try Event(
        at: now, by: actor, on: [.tpmMakers], policy: grant.decidedBy, TPMMakersRemoved(certificates: [digest]))
      return .commit(UnitOfWork(events: [event]), digest.hex)
    }
  }
}

extension MakerResult {
  fileprivate init(_ digest: Digest, _ found: Result<MakerIssuer, Refusal>) {
    sha256 = digest.hex
    switch found {
    case .success(let issuer):
      certificate = MakerSummary(issuer, imported: nil)
      (code, reason) = (nil, nil)
    case .failure(let refusal):
      certificate = nil
      (code, reason) = (refusal.code, refusal.reason)
    }
  }
}

extension Refusal {
  static let makerUnknown = Refusal(
    .notFound, "maker-unknown", "expected a TPM maker's certificate that is trusted, found none of that fingerprint")

  static func tooManyMakers(_ count: Int) -> Refusal {
    Refusal(
      .conflict, "too-many-makers",
      "expected at most \(MakerTrust.limit.certificates) certificates of TPM makers, found \(count)")
  }
}
