import Attestation
import Crypto
import Foundation
import MusterModel
import MusterTesting
import Testing
import X509

@Suite struct EKAttackTests {
  static let time = Timestamp(milliseconds: 1_795_500_000_000)
  let root: MadeEK.CA
  let issuing: MadeEK.CA

  init() throws {
    root = try MadeEK.ca("Maker Root")
    issuing = try MadeEK.ca("Maker Issuing", by: root)
  }

  private func appraise(_ leaf: [UInt8], _ bundle: [MadeEK.CA]) throws -> (appraisal: Appraisal, key: EndorsedKey?) {
    let text = bundle.map { pem($0.der, "CERTIFICATE") }.joined()
    return EKCertificate(leaf).appraise(under: try MakerTrust.parse(Array(text.utf8)).get(), at: Self.time)
  }

  private func codes(_ leaf: [UInt8], _ bundle: [MadeEK.CA]? = nil) throws -> [String] {
    let (appraisal, key) = try appraise(leaf, bundle ?? [root, issuing])
    #expect((key != nil) == appraisal.isAccepted)
    return appraisal.codes
  }

  @Test func `another certificate of the same endorsement key is the same hardware`() throws {
    let key = P256.Signing.PrivateKey()
    let first = try appraise(try MadeEK.leaf(by: issuing, key: key), [root, issuing]).key
    let other = try appraise(try MadeEK.leaf(by: root, key: key), [root, issuing]).key
    #expect(first != nil && first?.hardware == other?.hardware && first?.certificate != other?.certificate)
  }

  struct Attack: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let code: String
    let spoil: @Sendable (inout MadeEK.Leaf) -> Void
  }

  @Test(arguments: [
    Attack(testDescription: "a TLS certificate", code: "ek-extended-key-usage") { $0.purposes = [.serverAuth] },
    Attack(testDescription: "an AIK's", code: "ek-extended-key-usage") {
      $0.purposes = [.init(oid: [2, 23, 133, 8, 3])]
    },
    Attack(testDescription: "one that says nothing of a TPM", code: "ek-not-tpm") {
      ($0.purposes, $0.manufacturer) = (nil, nil)
    },
    Attack(testDescription: "a CA's", code: "certificate-is-ca") {
      $0.constraints = .isCertificateAuthority(maxPathLength: nil)
    },
    Attack(testDescription: "one that may sign certificates", code: "ek-key-usage") {
      $0.usage = KeyUsage(keyAgreement: true, keyCertSign: true)
    },
    Attack(testDescription: "one that may only sign, and has no purpose", code: "ek-key-usage") {
      ($0.usage, $0.purposes) = (KeyUsage(digitalSignature: true), nil)
    },
    Attack(testDescription: "one over", code: "certificate-expired") { $0.notAfter = MadeEK.now - 1.0 },
    Attack(testDescription: "one to come", code: "certificate-not-yet-valid") { $0.notBefore = MadeEK.now + 1.0 },
    Attack(testDescription: "one with a critical extension that nobody knows", code: "ek-extension") {
      $0.unknownCritical = true
    },
  ])
  func `a certificate that is not an endorsement key's now is refused`(attack: Attack) throws {
    var leaf = MadeEK.Leaf()
    #expect(try codes(try MadeEK.leaf(leaf, by: issuing)) == [])
    attack.spoil(&leaf)
    #expect(try codes(try MadeEK.leaf(leaf, by: issuing)) == [attack.code])
  }

  @Test func `a maker that says no purpose says its make, and that is enough`() throws {
    #expect(try codes(try MadeEK.leaf(.init(purposes: nil), by: issuing)) == [])
  }

  @Test func `a forged issuer, a namesake root and a root that came along are refused`() throws {
    let untrusted = ["certificate-untrusted"]
    let forged = try MadeEK.ca("Maker Issuing", by: nil)
    let namesake = try MadeEK.ca("Maker Root")
    #expect(try codes(try MadeEK.leaf(by: forged)) == untrusted)
    #expect(try codes(try MadeEK.leaf(by: issuing), [namesake, issuing]) == untrusted)
    // The namesake first and the true one behind it: tried in turn.
    #expect(try codes(try MadeEK.leaf(by: issuing), [namesake, root, issuing]) == [])
    // An intermediate alone is no anchor, whatever it is trusted to help with.
    let other = try MadeEK.ca("Other Root")
    #expect(try codes(try MadeEK.leaf(by: issuing), [issuing, other]) == untrusted)
  }

  @Test func `an issuer that is no CA, or may not sign, or issues below its path length, is passed by`() throws {
    let untrusted = ["certificate-untrusted"]
    let leafIssuer = try MadeEK.ca("Not CA", by: root, isCA: false)
    #expect(try codes(try MadeEK.leaf(by: leafIssuer), [root, leafIssuer]) == untrusted)
    let mute = try MadeEK.ca("Mute", by: root, usage: KeyUsage(digitalSignature: true))
    #expect(try codes(try MadeEK.leaf(by: mute), [root, mute]) == untrusted)
    let short = try MadeEK.ca("Short Root", pathLength: 0)
    let below = try MadeEK.ca("Below", by: short)
    #expect(try codes(try MadeEK.leaf(by: short), [short]) == [])
    #expect(try codes(try MadeEK.leaf(by: below), [short, below]) == untrusted)
  }

  @Test func `a loop of issuers ends, and a chain beyond the depth is refused`() throws {
    let left = P256.Signing.PrivateKey()
    let one = try MadeEK.ca("One", key: left)
    let two = try MadeEK.ca("Two", by: one)
    let again = try MadeEK.ca("One", by: two, key: left)
    #expect(try codes(try MadeEK.leaf(by: again), [again, two, root]) == ["certificate-untrusted"])
    var chain = [root]
    for place in 1...9 { chain.append(try MadeEK.ca("Level \(place)", by: chain[place - 1])) }
    #expect(try codes(try MadeEK.leaf(by: chain[7]), chain) == [])
    #expect(try codes(try MadeEK.leaf(by: chain[8]), chain) == ["certificate-untrusted"])
  }

  /// Twelve levels of which each has four certificates of one name and key: 4¹² ways, none of which ends.
  @Test func `ways without number are given up after a bounded number of signatures`() throws {
    let keys = (0..<12).map { _ in P256.Signing.PrivateKey() }
    var bundle = [root]
    for level in keys.indices {
      let issuer = MadeEK.CA(
        name: try DistinguishedName { CommonName("Level \((level + 1) % keys.count)") },
        key: keys[(level + 1) % keys.count], der: [])
      for _ in 0..<4 { bundle.append(try MadeEK.ca("Level \(level)", by: issuer, key: keys[level])) }
    }
    #expect(try codes(try MadeEK.leaf(by: bundle[1]), bundle) == ["certificate-untrusted"])
  }

  @Test func `what stands behind a certificate is filling or it is refused`() throws {
    let leaf = try MadeEK.leaf(by: issuing)
    for filling in [Array(repeating: 0xff, count: 192), Array(repeating: 0, count: 9)] as [[UInt8]] {
      #expect(try codes(leaf + filling) == [])
    }
    for rest in [[0xff, 0], [1], leaf] as [[UInt8]] { #expect(try codes(leaf + rest) == ["evidence-unreadable"]) }
    for count in 0..<leaf.count { #expect(try codes(Array(leaf.prefix(count))) == ["evidence-unreadable"]) }
  }

  @Test func `a bundle without an anchor is refused`() throws {
    for bytes in [issuing.der, Array("no PEM".utf8), []] {
      guard case .failure(let refusal) = MakerTrust.parse(bytes) else {
        Issue.record("expected a refusal")
        continue
      }
      #expect(refusal.code == "certificate-untrusted")
    }
  }
}
