import Crypto
import Foundation
import MusterModel
import MusterTesting
import Testing

@testable import CertificateAuthority

@Suite struct RequestTests {
  @Test func `a sound request is read as it is`() throws {
    let der = try RequestBuilder().der
    let request = try CertificateRequest.verify(der, blocked: .none).get()
    #expect(request.der == der && request.digest == Digest.sha256(der))
    #expect(request.key.der == Array(RequestBuilder.privateKey.publicKey.derRepresentation))
    #expect(request.publicKey == Digest.sha256(request.key.der) && request.key.algorithm == .p256)
  }

  @Test(arguments: [
    (["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], ["-sha1"], "signature-algorithm"),
    (["rsa:2048"], ["-sha1"], "signature-algorithm"), (["rsa:2048"], ["-md5"], "signature-algorithm"),
    (["rsa:2048"], ["-sigopt", "rsa_padding_mode:pss"], "signature-algorithm"),
    (["rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"], [], "key-algorithm"),
    (["ec", "-pkeyopt", "ec_paramgen_curve:P-521"], [], "key-algorithm"),
    (["ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"], [], "key-algorithm"), (["ed448"], [], "key-algorithm"),
    (["ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"], [], "key-encoding"),
    (["rsa:1024"], [], "key-size"), (["rsa:4104"], [], "key-size"),
    (["rsa:2048", "-pkeyopt", "rsa_keygen_pubexp:3"], [], "key-exponent"),
    (["rsa:2048"], ["-sha384"], nil), (["rsa:4096"], ["-sha512"], nil),
    (["ec", "-pkeyopt", "ec_paramgen_curve:P-384"], ["-sha384"], nil),
    (["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], ["-sha512"], nil), (["ed25519"], [], nil),
  ])
  func `of openssl's requests the sound ones are taken alone`(
    algorithm: [String], more: [String], code: String?
  ) throws {
    let openssl = try OpenSSL()
    let der = try openssl.request(algorithm, more)
    #expect(refusal(der) == code)
  }

  @Test(arguments: [
    ("rsa-roca", "key-roca"), ("rsa-close-primes", "key-close-primes"), ("rsa-small-factor", "key-small-factor"),
    ("rsa-even-modulus", "key-modulus-even"), ("rsa-exponent-3", "key-exponent"),
    ("rsa-exponent-even", "key-exponent"), ("rsa-exponent-huge", "key-exponent"), ("rsa-1024", "key-size"),
    ("rsa-2047", "key-size"),
  ])
  func `a weak RSA key is refused for its weakness`(name: String, code: String) throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
    let der = Array(try Data(contentsOf: folder.appending(path: name + ".der")))
    #expect(refusal(der) == code)
  }

  static let point = Array(RequestBuilder.privateKey.publicKey.x963Representation)
  static let zeros = [UInt8](repeating: 0, count: 31)

  static let keys: [(String, [UInt8], String)] = [
    (
      "compressed", RequestBuilder.point(Array(RequestBuilder.privateKey.publicKey.compressedRepresentation)),
      "key-encoding"
    ),
    ("hybrid", RequestBuilder.point([6 | point[64] & 1] + point.dropFirst()), "key-encoding"),
    ("infinity", RequestBuilder.point([0]), "key-encoding"),
    ("off the curve", RequestBuilder.point(point.dropLast() + [point[64] ^ 1]), "key-point"),
    ("beyond the field", RequestBuilder.point([4] + [UInt8](repeating: 0xff, count: 64)), "key-point"),
    ("zero", RequestBuilder.point([4] + [UInt8](repeating: 0, count: 64)), "key-point"),
    ("a byte more", RequestBuilder.point(point + [0]), "key-encoding"),
    ("no curve", TLV.sequence(TLV.sequence(OID.ecPublicKey), TLV.bitString(point)), "key-encoding"),
    ("NULL for a curve", TLV.sequence(TLV.sequence(OID.ecPublicKey, TLV.null), TLV.bitString(point)), "key-encoding"),
    ("a P-256 point on P-384", RequestBuilder.point(point, curve: OID.secp384r1), "key-encoding"),
    (
      "off P-384",
      RequestBuilder.point([4] + [UInt8](repeating: 1, count: 96), curve: OID.secp384r1), "key-point"
    ),
    (
      "unused bits", TLV.sequence(TLV.sequence(OID.ecPublicKey, OID.secp256r1), TLV.encode(3, [[1], point])),
      "request-malformed"
    ),
    ("Ed25519 short", RequestBuilder.edwards([1, 2, 3]), "key-encoding"),
    (
      "Ed25519 with parameters", TLV.sequence(TLV.sequence(OID.ed25519, TLV.null), TLV.bitString([1] + zeros)),
      "key-encoding"
    ),
    ("Ed25519 zero", RequestBuilder.edwards([0] + zeros), "key-point"),
    ("Ed25519 one", RequestBuilder.edwards([1] + zeros), "key-point"),
    ("Ed25519 one, signed", RequestBuilder.edwards([1] + zeros.dropLast() + [0x80]), "key-point"),
    ("Ed25519 −1", RequestBuilder.edwards([0xec] + [UInt8](repeating: 0xff, count: 30) + [0x7f]), "key-point"),
    ("Ed25519 of p", RequestBuilder.edwards([0xed] + [UInt8](repeating: 0xff, count: 30) + [0x7f]), "key-encoding"),
    ("Ed25519 beyond p", RequestBuilder.edwards([UInt8](repeating: 0xff, count: 32)), "key-encoding"),
    ("Ed25519 off the curve", RequestBuilder.edwards([2] + zeros), "signature-algorithm"),
    ("RSA without NULL", TLV.sequence(TLV.sequence(OID.rsaEncryption), TLV.bitString([0x30, 0])), "key-encoding"),
    (
      "RSA of nothing", TLV.sequence(TLV.sequence(OID.rsaEncryption, TLV.null), TLV.bitString([0x30, 0])),
      "request-malformed"
    ),
    (
      "RSA negative",
      TLV.sequence(
        TLV.sequence(OID.rsaEncryption, TLV.null),
        TLV.bitString(TLV.sequence(TLV.encode(2, [[UInt8](repeating: 0xff, count: 256)]), TLV.integer(65537)))),
      "request-malformed"
    ),
    ("unknown", TLV.sequence(TLV.sequence(OID.commonName), TLV.bitString(point)), "key-algorithm"),
  ]

  @Test(arguments: keys)
  func `a key that is not the one canonical form of a sound key is refused`(
    name: String, key: [UInt8], code: String
  ) throws {
    #expect(try refusal(RequestBuilder.changed { $0.key = key }) == code, "\(name)")
  }

  static let oneExtension = CertificateExtension(OID.keyUsage, [0x03, 2, 0, 1])

  static let forms: [(String, [UInt8], String)] = [
    ("empty", [], "request-malformed"),
    (
      "an attribute twice",
      changed {
        $0.attributes = TLV.encode(
          0xa0, [RequestBuilder.attribute(OID.data, [5, 0]), RequestBuilder.attribute(OID.data, [5, 0], [5, 0])])
      }, "request-malformed"
    ),
    (
      "attributes out of order",
      changed {
        $0.attributes = TLV.encode(
          0xa0, [RequestBuilder.attribute(OID.signedData, [5, 0]), RequestBuilder.attribute(OID.data, [5, 0])])
      }, "request-malformed"
    ),
    (
      "an attribute without value", changed { $0.attributes = TLV.encode(0xa0, [RequestBuilder.attribute(OID.data)]) },
      "request-malformed"
    ),
    (
      "an extension twice",
      changed { $0.attributes = RequestBuilder.extensionRequest(oneExtension.der, oneExtension.der) },
      "request-malformed"
    ),
    ("no extension", changed { $0.attributes = RequestBuilder.extensionRequest() }, "request-malformed"),
    (
      "critical FALSE",
      changed {
        $0.attributes = RequestBuilder.extensionRequest(
          TLV.sequence(OID.keyUsage, [1, 1, 0], TLV.octetString([0x03, 2, 0, 1])))
      }, "request-malformed"
    ),
    (
      "two lists of extensions",
      changed {
        let list = TLV.sequence(oneExtension.der)
        $0.attributes = TLV.encode(0xa0, [RequestBuilder.attribute(OID.extensionRequest, list, list)])
      }, "request-malformed"
    ),
    (
      "a signature with parameters", changed { $0.algorithm = TLV.sequence(OID.ecdsaWithSHA256, TLV.null) },
      "signature-algorithm"
    ),
  ]

  static func changed(_ change: (inout RequestBuilder) -> Void) -> [UInt8] {
    (try? RequestBuilder.changed(change)) ?? [0xff]
  }

  /// What is hostile as a whole is in `HostileRequest`.
  @Test(arguments: forms)
  func `what is no request in DER is refused`(name: String, der: [UInt8], code: String) {
    #expect(refusal(der) == code, "\(name)")
  }

  @Test func `each byte that is changed, and each byte that is cut off, is found`() throws {
    let der = try RequestBuilder().der
    for index in der.indices {
      for bit in 0..<8 {
        var changed = der
        changed[index] ^= 1 << UInt8(bit)
        #expect(refusal(changed) != nil, "byte \(index), bit \(bit)")
      }
      #expect(refusal(Array(der[..<index])) != nil, "\(index) bytes")
    }
  }

  @Test func `a published test key and the CA's own keys are refused`() throws {
    let blocked = try BlockedKeys(
      text: String(contentsOf: Project.root.appending(path: "PKI/blocked-keys.txt"), encoding: .utf8))
    #expect(blocked.count > 100)
    // testECCP256 of RFC 9500 §2.3.
    let scalar = try #require(Hex.decode("e6cb5bdd80aa45ae9c95e8c15476679ffec953c16851e711e743939589c64fc1"))
    let known = try Instance.requestDER(P256.Signing.PrivateKey(rawRepresentation: scalar))
    #expect(refusal(known) == nil && refusal(known, blocked: blocked) == "key-blocked")
    let own = try RequestBuilder().der
    let digest = Digest.sha256(Array(RequestBuilder.privateKey.publicKey.derRepresentation))
    #expect(refusal(own, blocked: blocked) == nil)
    #expect(refusal(own, blocked: blocked.adding([digest])) == "key-blocked")
  }

  @Test(arguments: ["", "# only a comment", "abc", "0123456789", String(repeating: "g", count: 64)])
  func `a list of blocked keys reads whole or not at all`(line: String) {
    let sound = String(repeating: "0a", count: 32)
    let text = "# keys\n\(sound)  # one\n\(line)\n"
    if line.isEmpty || line.hasPrefix("#") {
      #expect(throws: Never.self) { try BlockedKeys(text: text) }
    } else {
      let error = #expect(throws: BlockedKeysError.self) { try BlockedKeys(text: text) }
      #expect(error?.description.hasPrefix("blocked-keys.txt:3:") == true)
    }
  }
}
