import Foundation
import MusterModel
import SwiftASN1

/// The roots and issuing CAs of TPM makers, as an operator gives them: of these the self-issued ones are anchors, the
/// others help to build a path.
public struct MakerTrust: Sendable {
  /// Of one bundle: all makers' certificates known today are 1,800, in 4 MB.
  public static let limit = (bytes: 16 * 1024 * 1024, certificates: 8192)

  private var bySubject: [[UInt8]: [MakerCertificate]] = [:]
  /// What a device brought along: never an anchor.
  private var brought: [MakerCertificate] = []
  public private(set) var anchors = 0
  /// Certificates that could not be read, and so are not trusted.
  public private(set) var unreadable = 0

  public init() {}

  /// Of certificates in DER, as they were imported.
  public init(_ certificates: [[UInt8]]) { add(certificates) }

  /// With certificates that a device brings along, DER: they help to build the path. One that is self-issued is passed over.
  func bringing(_ certificates: [[UInt8]]) -> MakerTrust {
    guard !certificates.isEmpty else { return self }
    var trust = self
    trust.brought = certificates.compactMap { try? MakerCertificate($0) }.filter { !$0.isSelfIssued }
    return trust
  }

  /// Reads all certificates of a PEM text (RFC 7468), or one in DER.
  public static func parse(_ bytes: [UInt8]) -> Result<MakerTrust, AttestationRefusal> {
    Result { () throws(AttestationRefusal) in
      guard bytes.count <= limit.bytes else { throw .certificateTooLarge(found: bytes.count) }
      var trust = MakerTrust()
      if bytes.first == 0x30 {
        trust.add([bytes])
      } else {
        trust.add(try certificates(String(decoding: bytes, as: UTF8.self)))
      }
      guard trust.anchors > 0 else { throw .noTrustAnchor }
      return trust
    }
  }

  private static func certificates(_ text: String) throws(AttestationRefusal) -> [[UInt8]] {
    let documents: [PEMDocument]
    do { documents = try PEMDocument.parseMultiple(pemString: text) } catch { throw .certificateUnreadable }
    guard documents.count <= limit.certificates else { throw .chainTooLong(found: documents.count) }
    return documents.filter { $0.discriminator == "CERTIFICATE" }.map(\.derBytes)
  }

  private mutating func add(_ list: [[UInt8]]) {
    for der in list {
      guard let certificate = try? MakerCertificate(der) else {
        unreadable += 1
        continue
      }
      bySubject[certificate.subject, default: []].append(certificate)
      if certificate.isSelfIssued { anchors += 1 }
    }
  }

  /// Those that may have issued `certificate`, the likeliest first: by name, then by the key identifier it names.
  func issuers(of certificate: MakerCertificate) -> [MakerCertificate] {
    let named = (bySubject[certificate.issuer] ?? []) + brought.filter { $0.subject == certificate.issuer }
    guard let keyID = certificate.extensions.authorityKeyID else { return named }
    return named.filter { $0.extensions.subjectKeyID == keyID }
      + named.filter { $0.extensions.subjectKeyID != keyID }
  }
}

/// The way from a certificate to an anchor, found by trying: bounded in depth and in signatures checked, whatever loops
/// and namesakes a bundle holds.
struct MakerPath: Sendable {
  static let depthLimit = 8
  static let signatureLimit = 64

  let trust: MakerTrust
  let time: Timestamp
  /// Whether issuers whose time is over are passed by: what they issued before was issued.
  let acceptsExpired: Bool
  private var signatures = 0

  init(_ trust: MakerTrust, at time: Timestamp, acceptsExpired: Bool) {
    self.trust = trust
    self.time = time
    self.acceptsExpired = acceptsExpired
  }

  /// The issuers of a certificate that is no anchor itself, nearest first, the anchor last: a way by issuers in their time
  /// where there is one, else, where that is accepted, one by those whose time is over.
  static func issuers(
    of leaf: MakerCertificate, _ trust: MakerTrust, at time: Timestamp, acceptsExpired: Bool
  ) -> [MakerCertificate]? {
    guard !leaf.isSelfIssued else { return nil }
    var strict = MakerPath(trust, at: time, acceptsExpired: false)
    if let found = strict.find(from: leaf) { return found }
    guard acceptsExpired else { return nil }
    var accepting = MakerPath(trust, at: time, acceptsExpired: true)
    return accepting.find(from: leaf)
  }

  /// The issuers of `leaf`, nearest first, the anchor last; nil where there is no such way.
  mutating func find(from leaf: MakerCertificate) -> [MakerCertificate]? { extend([leaf]) }

  private mutating func extend(_ path: [MakerCertificate]) -> [MakerCertificate]? {
    guard let last = path.last, path.count <= MakerPath.depthLimit else { return nil }
    for issuer in trust.issuers(of: last) {
      guard !path.contains(where: { $0.digest == issuer.digest }), mayIssue(issuer, below: path) else { continue }
      guard signatures < MakerPath.signatureLimit else { return nil }
      signatures += 1
      guard last.isSigned(by: issuer.key) else { continue }
      let longer = path + [issuer]
      if issuer.isSelfIssued { return Array(longer.dropFirst()) }
      if let whole = extend(longer) { return whole }
    }
    return nil
  }

  /// RFC 5280 §6.1.4 (k) to (n), and that the time is its.
  private func mayIssue(_ issuer: MakerCertificate, below path: [MakerCertificate]) -> Bool {
    let extensions = issuer.extensions
    guard issuer.isVersion3, extensions.isCA == true, extensions.maySignCertificates, !extensions.hasUnknownCritical,
      issuer.notBefore <= time, acceptsExpired || time <= issuer.notAfter
    else { return false }
    // Self-issued certificates between do not count; the leaf never does.
    let between = path.dropFirst().count { !$0.isSelfIssued }
    return extensions.pathLength.map { between <= $0 } ?? true
  }
}
