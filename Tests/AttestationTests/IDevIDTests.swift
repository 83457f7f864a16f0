import Attestation
import Foundation
import MusterModel
import SwiftASN1
import Testing
import X509

private let time = Timestamp(milliseconds: 1_760_000_000_000)

@Suite struct IDevIDTests {
  let pki: MakerPKI
  let group = RecordID(.group, UUIDv7(at: time))

  init() throws { pki = try MakerPKI() }

  private func verifier(_ anchors: [MakerPKI.CA]) throws -> IDevIDVerifier {
    IDevIDVerifier(anchors: try anchors.map { .init(group: group, anchor: try TrustAnchor.parse($0.der).get()) })
  }

  private func code(
    _ chain: [[UInt8]], anchors: [MakerPKI.CA]? = nil, claimed: [HardwareID] = []
  ) async throws -> String {
    switch try await verifier(anchors ?? [pki.root]).appraise(chain: chain, claimed: claimed, at: time) {
    case .success: "accepted"
    case .failure(let refusal): refusal.code
    }
  }

  @Test func `a maker's certificate proves the hardware that its anchor and serial number name`() async throws {
    let leaf = try pki.leaf()
    let anchor = try TrustAnchor.parse(pki.root.der).get()
    let mac = try HardwareID.parse("mac:aabbcc001122").get()
    let result = try await verifier([pki.root])
      .appraise(chain: [leaf, pki.intermediate.der], claimed: [mac], at: time).get()
    #expect(result.hardware.map(\.id.description) == ["idevid:\(anchor.key.hex).SN-0042", mac.description])
    #expect(result.hardware.map(\.assurance) == [.proved, .claimed])
    guard case .idevid(let claims) = result.claims else {
      Issue.record("expected an IDevID's claims, found \(result.claims)")
      return
    }
    #expect(claims.group == group && claims.anchor == anchor.digest && claims.certificate == .sha256(leaf))
    #expect(claims.serialNumber == "SN-0042" && claims.proposedDeviceID == DeviceID("SN-0042"))
    #expect(result.evidence == .idevid)
  }

  @Test func `the root may come along, and an intermediate may be the anchor`() async throws {
    let leaf = try pki.leaf()
    #expect(try await code([leaf, pki.intermediate.der, pki.root.der]) == "accepted")
    #expect(try await code([leaf], anchors: [pki.intermediate]) == "accepted")
    #expect(try await code([leaf, pki.intermediate.der], anchors: [pki.intermediate]) == "accepted")
  }

  @Test func `only what the operator named is an anchor`() async throws {
    let leaf = try pki.leaf()
    let impostor = try MakerPKI()
    #expect(try await code([leaf]) == "certificate-untrusted")
    #expect(
      try await code([leaf, pki.intermediate.der, pki.root.der], anchors: [impostor.root]) == "certificate-untrusted")
    #expect(try await code([impostor.leaf(), impostor.intermediate.der]) == "certificate-untrusted")
    #expect(try await code([leaf, pki.intermediate.der], anchors: []) == "certificate-untrusted")
  }

  @Test func `a leaf, or who may not sign or is of version 1, issues nothing`() async throws {
    let issuers = [
      try MakerPKI.ca("Plain", issuer: pki.root, isCA: false),
      try MakerPKI.ca("Signer", issuer: pki.root, usage: KeyUsage(digitalSignature: true)),
      try MakerPKI.ca("Old", issuer: pki.root, version: .v1),
      try MakerPKI.ca("Over", issuer: pki.root, notAfter: MakerPKI.now - 3600),
    ]
    for issuer in issuers {
      let chain = [try pki.leaf(issuer: issuer), try issuer.der]
      #expect(try await code(chain) == "certificate-untrusted", "\(issuer.certificate.subject)")
    }
  }

  static let leaves: [(String, MakerPKI.Leaf, String)] = [
    ("for ever", MakerPKI.Leaf(notAfter: Date(timeIntervalSince1970: 253_402_300_799)), "accepted"),
    ("without key usage", MakerPKI.Leaf(usage: nil), "accepted"),
    ("without basic constraints", MakerPKI.Leaf(constraints: nil), "accepted"),
    ("for clients", MakerPKI.Leaf(purposes: [.clientAuth]), "accepted"),
    ("for anything", MakerPKI.Leaf(purposes: [.any]), "accepted"),
    ("for servers", MakerPKI.Leaf(purposes: [.serverAuth]), "certificate-key-usage"),
    ("to encipher", MakerPKI.Leaf(usage: KeyUsage(keyEncipherment: true)), "certificate-key-usage"),
    ("over", MakerPKI.Leaf(notAfter: MakerPKI.now - 1), "certificate-expired"),
    ("to come", MakerPKI.Leaf(notBefore: MakerPKI.now + 1), "certificate-not-yet-valid"),
    ("a CA", MakerPKI.Leaf(constraints: .isCertificateAuthority(maxPathLength: nil)), "certificate-is-ca"),
    (
      "a signer of certificates", MakerPKI.Leaf(usage: KeyUsage(digitalSignature: true, keyCertSign: true)),
      "certificate-is-ca"
    ),
    ("of no serial number", MakerPKI.Leaf(serialNumbers: []), "certificate-serial-number"),
    ("of two serial numbers", MakerPKI.Leaf(serialNumbers: ["SN-1", "SN-2"]), "certificate-serial-number"),
    ("of a blank", MakerPKI.Leaf(serialNumbers: ["SN 1"]), "certificate-serial-number"),
    ("of a slash", MakerPKI.Leaf(serialNumbers: ["SN/1"]), "certificate-serial-number"),
    (
      "of 65 characters", MakerPKI.Leaf(serialNumbers: [String(repeating: "7a", count: 32) + "b"]),
      "certificate-serial-number"
    ),
    (
      "of an unknown critical extension", MakerPKI.Leaf(criticalOID: [1, 3, 6, 1, 4, 1, 99_999, 1]),
      "certificate-untrusted"
    ),
  ]

  @Test(arguments: leaves)
  func `a leaf is what an IDevID must be`(what: String, leaf: MakerPKI.Leaf, expected: String) async throws {
    #expect(try await code([try pki.leaf(leaf), pki.intermediate.der]) == expected)
  }

  @Test func `chains out of bounds and bytes that are no certificate are refused before any signature`() async throws {
    let leaf = try pki.leaf()
    #expect(try await code([]) == "certificate-missing")
    #expect(try await code(Array(repeating: leaf, count: 6)) == "certificate-chain-too-long")
    #expect(try await code([leaf, [UInt8](repeating: 0x30, count: 16_385)]) == "certificate-too-large")
    #expect(try await code([leaf, pki.intermediate.der, pki.intermediate.der]) == "certificate-untrusted")
    for bytes in [[], [0x30], leaf.dropLast(), leaf + [0], [UInt8](repeating: 0x30, count: 16_000)] as [[UInt8]] {
      #expect(try await code([bytes, pki.intermediate.der]) == "certificate-unreadable")
    }
    let many = try (0..<AttestationResult.hardwareLimit).map {
      try HardwareID.parse("cpu-serial:board-\($0)").get()
    }
    #expect(try await code([leaf, pki.intermediate.der], claimed: many) == "too-much-hardware")
    #expect(try await code([leaf, pki.intermediate.der], claimed: Array(many.dropLast())) == "accepted")
  }

  @Test func `a flipped bit anywhere in the leaf is refused`() async throws {
    let leaf = try pki.leaf()
    for offset in leaf.indices {
      var changed = leaf
      changed[offset] ^= 0x01
      #expect(
        try await code([changed, pki.intermediate.der]) != "accepted", "byte \(offset) of \(Hex.encode(changed))")
    }
  }

  @Test func `an anchor in two groups takes a caller who names one`() async throws {
    let anchor = try TrustAnchor.parse(pki.root.der).get()
    let other = RecordID(.group, UUIDv7(at: time))
    let both = IDevIDVerifier(anchors: [.init(group: group, anchor: anchor), .init(group: other, anchor: anchor)])
    let chain = [try pki.leaf(), try pki.intermediate.der]
    #expect(await both.appraise(chain: chain, at: time) == .failure(.ambiguousGroup))
    let one = IDevIDVerifier(anchors: [.init(group: other, anchor: anchor)])
    guard case .idevid(let claims) = try await one.appraise(chain: chain, at: time).get().claims else {
      Issue.record("expected an IDevID's claims")
      return
    }
    #expect(claims.group == other)
  }

  @Test func `anchors read from PEM, and an end entity is none`() throws {
    let pem = try pki.root.certificate.serializeAsPEM().pemString
    let two = pem + "\n" + (try pki.intermediate.certificate.serializeAsPEM().pemString)
    #expect(try TrustAnchor.parse(pem: two).get().map(\.der) == [try pki.root.der, try pki.intermediate.der])
    #expect(
      try TrustAnchor.parse(pem: two.replacing("\n", with: "\r\n")).get() == TrustAnchor.parse(pem: two).get())
    #expect(TrustAnchor.parse(try pki.leaf()) == .failure(.notCA))
    #expect(try TrustAnchor.parse(MakerPKI.ca("Old", issuer: nil, version: .v1).der) == .failure(.notCA))
    for text in ["", "nonsense", pem.replacing("CERTIFICATE", with: "PRIVATE KEY")] {
      #expect(TrustAnchor.parse(pem: text) == .failure(.certificateUnreadable))
    }
    #expect(
      TrustAnchor.parse(pem: Array(repeating: pem, count: 17).joined(separator: "\n"))
        == .failure(.chainTooLong(found: 17)))
  }
}
