import Crypto
import Foundation
import MusterModel
import MusterTesting
import SwiftASN1

@testable import CertificateAuthority
@testable import Policy

/// A CA with the shipped profiles, and short ways to use it.
struct Instance {
  let points: PublicationPoints
  let hierarchy: Hierarchy
  let profiles: ProfileSet
  let now: Timestamp

  static let time = Timestamp(milliseconds: 1_750_000_000_123)

  init(now: Timestamp = Instance.time) throws {
    guard let domain = TrustDomain("plant.example"),
      let points = PublicationPoints(trustDomain: domain, publishURL: "http://muster.plant.example:8080")
    else { throw Unmet(description: "points") }
    self.points = points
    self.now = now
    hierarchy = try Hierarchy.make(organization: "Acme", points: points, now: now - .seconds(86_400))
    profiles = try ProfileSet.load(files: Project.profiles())
  }

  var devices: Issuer { hierarchy.devices.issuer }
  var service: Issuer { hierarchy.service.issuer }

  func certification(_ name: String, _ issuer: Issuer? = nil) throws -> Certification {
    guard let profile = profiles[name] else { throw Unmet(description: name) }
    return try Certification(
      profile: profile, issuer: issuer ?? (profile.issuers == [.devices] ? devices : service))
  }

  func identity(shard: UInt32 = 0) -> CertificateIdentity {
    CertificateIdentity(
      certificate: RecordID(.certificate, UUIDv7(at: now)), serial: UUIDv7(at: now), shard: shard)
  }

  func permit(_ subject: IssuancePermit.Subject, profile: String) -> IssuancePermit {
    IssuancePermit(
      subject: subject, profile: profile,
      decidedBy: PolicyReference(digest: Digest.sha256([]), rule: "test"), reads: ReadSet())
  }

  func devicePermit(_ name: String = "meter-7") throws -> IssuancePermit {
    guard let id = DeviceID(name) else { throw Unmet(description: name) }
    return permit(.device(RecordID(.device, UUIDv7(at: now)), id), profile: "device")
  }

  func issueDevice(
    _ name: String = "meter-7", _ request: VerifiedRequest? = nil, shard: UInt32 = 0
  ) async throws -> IssuedCertificate {
    let request = try request ?? Self.request()
    return try await certification("device").issue(
      devicePermit(name), request: request, identity: identity(shard: shard), now: now
    ).get()
  }

  /// A sound request by a new P-256 key, made without openssl.
  static func request(subject: String = "any") throws -> VerifiedRequest {
    try CertificateRequest.verify(requestDER(P256.Signing.PrivateKey(), subject: subject), blocked: .none).get()
  }

  static func requestDER(
    _ key: P256.Signing.PrivateKey, subject: String = "any", attributes: [[UInt8]] = []
  ) throws -> [UInt8] {
    let info = TLV.sequence(
      TLV.integer(0), DistinguishedName.encode([(OID.commonName, subject)]), Array(key.publicKey.derRepresentation),
      TLV.encode(0xa0, attributes))
    return SignedDER.encode(info, .ecdsaWithSHA256, Array(try key.signature(for: info).derRepresentation))
  }

  /// A responder of `issuer` with a key of its own.
  func responder(_ issuer: Issuer) async throws -> (responder: OCSPResponder, certificate: [UInt8]) {
    let (_, signer) = try SoftwareSigner.generate(.p256)
    let issued = try await certification("ocsp-responder", issuer).issue(
      permit(.ocspResponder, profile: "ocsp-responder"), key: signer.publicKey, identity: identity(), now: now
    ).get()
    return (try OCSPResponder(issuer: issuer, certificate: issued.der, signer: signer), issued.der)
  }

  /// openssl's notion of now.
  var attime: String { "\(now.seconds)" }
}
