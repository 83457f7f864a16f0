import Foundation
public import MusterModel
import SwiftASN1
@_spi(FixedExpiryValidationTime) import X509

/// Appraises a maker's certificate (IEEE 802.1AR IDevID) against the trust anchors of groups: path validation after
/// RFC 5280 §6, and what an IDevID must be beyond that.
public struct IDevIDVerifier: Sendable {
  /// A trust anchor of a group.
  public struct Anchor: Sendable, Hashable {
    public let group: RecordID
    public let anchor: TrustAnchor

    public init(group: RecordID, anchor: TrustAnchor) {
      self.group = group
      self.anchor = anchor
    }
  }

  /// The most anchors of one verifier, over all groups.
  public static let anchorLimit = 1024
  private let anchors: [Anchor]

  /// The anchors of the groups that are asked for: one group's where the caller named it, else all.
  public init(anchors: [Anchor]) { self.anchors = anchors }

  /// `chain` is DER, leaf first, as TLS gave it: TLS has proved that the caller holds the leaf's key.
  public func appraise(
    chain: [[UInt8]], claimed: [HardwareID] = [], at time: Timestamp
  ) async -> Result<AttestationResult, AttestationRefusal> {
    let path: CertificateChain
    switch CertificateChain.parse(chain) {
    case .success(let parsed): path = parsed
    case .failure(let refusal): return .failure(refusal)
    }
    if let refusal = IDevIDVerifier.refusal(of: path.leaf, at: time) { return .failure(refusal) }
    let found = await anchor(of: path, at: time)
    return Result { () throws(AttestationRefusal) in
      try result(path, under: try found.get(), claimed: claimed)
    }
  }

  private func result(
    _ path: CertificateChain, under anchor: Anchor, claimed: [HardwareID]
  ) throws(AttestationRefusal) -> AttestationResult {
    let serialNumber = try IDevIDVerifier.serialNumber(of: path.leaf)
    guard case .success(let hardware) = HardwareID.parse(.idevid, anchor.anchor.key.hex + "." + serialNumber) else {
      throw .serialNumberMalformed
    }
    let claims = IDevIDClaims(
      group: anchor.group, anchor: anchor.anchor.digest, certificate: path.digest, serialNumber: serialNumber)
    return try AttestationResult([.init(hardware, .proved)], claimed: claimed, .idevid(claims))
  }
}

// MARK: - The leaf

extension IDevIDVerifier {
  /// What can be said of the leaf alone, so that the answer names it.
  private static func refusal(of leaf: Certificate, at time: Timestamp) -> AttestationRefusal? {
    let now = Date(timeIntervalSince1970: Double(time.seconds))
    if now < leaf.notValidBefore { return .notYetValid }
    if now > leaf.notValidAfter { return .expired }
    do {
      if case .isCertificateAuthority? = try leaf.extensions.basicConstraints { return .isCA }
      // Absent is unrestricted (RFC 5280 §4.2.1.3, §4.2.1.12).
      let usage = try leaf.extensions.keyUsage
      if usage?.digitalSignature == false { return .keyUsage }
      if usage?.keyCertSign == true { return .isCA }
      if let purposes = try leaf.extensions.extendedKeyUsage, !purposes.contains(.clientAuth), !purposes.contains(.any)
      {
        return .extendedKeyUsage
      }
      return nil
    } catch {
      return .certificateUnreadable
    }
  }

  private static func serialNumber(of leaf: Certificate) throws(AttestationRefusal) -> String {
    let type: ASN1ObjectIdentifier = [2, 5, 4, 5]
    let values = leaf.subject.flatMap { $0 }.filter { $0.type == type }
    guard values.count == 1 else { throw .noSerialNumber }
    guard let text = String(values[0].value), (1...64).contains(text.utf8.count) else {
      throw .serialNumberMalformed
    }
    return text
  }
}

// MARK: - The path

extension IDevIDVerifier {
  private func anchor(of path: CertificateChain, at time: Timestamp) async -> Result<Anchor, AttestationRefusal> {
    guard !anchors.isEmpty, anchors.count <= IDevIDVerifier.anchorLimit else { return .failure(.noTrustAnchor) }
    // One certificate twice, or one key under several names, only multiplies the paths to try.
    guard Set(path.intermediates.map(\.publicKey)).count == path.intermediates.count else {
      return .failure(.untrusted)
    }
    let now = Date(timeIntervalSince1970: Double(time.seconds))
    var verifier = Verifier(rootCertificates: CertificateStore(anchors.map(\.anchor.certificate))) {
      RFC5280Policy(fixedExpiryValidationTime: now)
      IDevIDPathPolicy()
    }
    let result = await verifier.validate(
      leaf: path.leaf, intermediates: CertificateStore(path.intermediates))
    guard case .validCertificate(let chain) = result, let root = chain.last else { return .failure(.untrusted) }
    let found = anchors.filter { $0.anchor.certificate == root }
    guard let first = found.first else { return .failure(.untrusted) }
    return Set(found.map(\.group)).count == 1 ? .success(first) : .failure(.ambiguousGroup)
  }
}

/// What `RFC5280Policy` leaves open: every issuer is of version 3 and may sign certificates (it lets version 1 issue,
/// and does not look at keyUsage), no signature that the path rests on is by SHA-1, and the path is
/// short. X509 itself reads no RSA key under 2048 bits.
private struct IDevIDPathPolicy: VerifierPolicy {
  /// The leaf's extended key usage was checked before.
  let verifyingCriticalExtensions: [ASN1ObjectIdentifier] = [.X509ExtensionID.extendedKeyUsage]

  func chainMeetsPolicyRequirements(chain: UnverifiedCertificateChain) -> PolicyEvaluationResult {
    guard (2...CertificateChain.lengthLimit + 1).contains(chain.count) else {
      return .failsToMeetPolicy(reason: "expected a path of 2 to \(CertificateChain.lengthLimit + 1) certificates")
    }
    guard chain.first?.version == .v3, chain.dropFirst().allSatisfy(\.isIssuer) else {
      return .failsToMeetPolicy(reason: "expected issuers of version 3 that may sign certificates")
    }
    // The anchor's own signature says nothing: it is trusted as it is.
    guard chain.dropLast().allSatisfy({ $0.signatureAlgorithm != .sha1WithRSAEncryption }) else {
      return .failsToMeetPolicy(reason: "expected signatures by SHA-256 or better")
    }
    return .meetsPolicy
  }
}
