import Attestation
import MusterModel
import MusterTesting
import SwiftASN1
import Testing

/// Chains that another hand made: the tool dates them by the day's clock, so this suite reads it too.
@Suite struct OpenSSLChainTests {
  private let openssl: OpenSSL
  private let group = RecordID(.group, UUIDv7(at: SystemClock().now()))

  init() throws { openssl = try OpenSSL() }

  @Test func `openssl and this agree about a chain, and about the anchor's key`() async throws {
    try makeChain(anchor: "ec -pkeyopt ec_paramgen_curve:P-256", leaf: "ec -pkeyopt ec_paramgen_curve:P-384")
    try openssl.succeed("verify -x509_strict -purpose sslclient -CAfile ca.pem dev.pem")
    try openssl.succeed("x509 -in ca.pem -noout -pubkey -out ca.pub")
    try openssl.succeed("pkey -pubin -in ca.pub -outform DER -out ca.spki")
    let key = Digest.sha256(try openssl.read("ca.spki"))
    #expect(try await appraise().get().hardware.map(\.id.description) == ["idevid:\(key.hex).0000A1"])
  }

  @Test(arguments: [
    ("rsa:2048", "rsa:2048", "sha256", "accepted"), ("rsa:2048", "rsa:2048", "sha1", "certificate-untrusted"),
    ("rsa:2048", "rsa:1024", "sha256", "certificate-unreadable"),
  ])
  func `weak hashes and short keys carry no path`(
    anchor: String, leaf: String, hash: String, expected: String
  ) async throws {
    try makeChain(anchor: anchor, leaf: leaf, hash: hash)
    switch try await appraise() {
    case .success: #expect(expected == "accepted")
    case .failure(let refusal): #expect(refusal.code == expected)
    }
  }

  @Test func `an RSA key under 2048 bits is no anchor`() throws {
    try makeChain(anchor: "rsa:1024", leaf: "rsa:2048")
    #expect(try TrustAnchor.parse(pem: text("ca.pem")) == .failure(.certificateUnreadable))
  }

  /// The leaf is valid until the year 9900 or so, as IDevIDs are.
  private func makeChain(anchor: String, leaf: String, hash: String = "sha256") throws {
    try openssl.succeed(
      "req -x509 -newkey \(anchor) -nodes -keyout ca.key -out ca.pem -subj /CN=Maker -days 3650"
        + " -addext keyUsage=critical,keyCertSign")
    try openssl.succeed(
      "req -x509 -newkey \(leaf) -nodes -keyout dev.key -out dev.pem -CA ca.pem -CAkey ca.key -\(hash)"
        + " -subj /O=Maker/serialNumber=0000A1 -days 2880000 -addext basicConstraints=critical,CA:FALSE"
        + " -addext keyUsage=critical,digitalSignature")
  }

  private func appraise() async throws -> Result<AttestationResult, AttestationRefusal> {
    let anchor = try #require(try TrustAnchor.parse(pem: text("ca.pem")).get().first)
    let leaf = try PEMDocument(pemString: text("dev.pem")).derBytes
    return await IDevIDVerifier(anchors: [.init(group: group, anchor: anchor)])
      .appraise(chain: [leaf], at: SystemClock().now() + .seconds(60))
  }

  private func text(_ name: String) throws -> String {
    String(decoding: try openssl.read(name), as: UTF8.self)
  }
}
