import Crypto
import Foundation

/// A request that must be refused, as a stranger would send it: to the room in DER, to the service in a body of EST.
package struct HostileRequest: Sendable, CustomStringConvertible {
  package let description: String
  package let der: [UInt8]
  /// The refusal's stable code.
  package let code: String

  private init(_ description: String, _ code: String, _ der: [UInt8]) {
    self.description = description
    self.code = code
    self.der = der
  }

  /// Written by hand, and by openssl what needs other keys and hashes.
  package static func all() throws -> [HostileRequest] { try forms() + bounds() + encodings() + signatures() + keys() }

  private static func forms() throws -> [HostileRequest] {
    let malformed = "request-malformed"
    return [
      .init("a null", malformed, [5, 0]), .init("text", malformed, Array("a certificate, please".utf8)),
      .init("version 2", "request-version", try RequestParts.changed { $0.version = [2, 1, 1] }),
      .init("a certificate's version", "request-version", try RequestParts.changed { $0.version = [2, 1, 2] }),
      .init("version 2³¹", "request-version", try RequestParts.changed { $0.version = [2, 5, 0, 0x80, 0, 0, 0] }),
      .init("a negative version", malformed, try RequestParts.changed { $0.version = [2, 1, 0xff] }),
      .init("no version", malformed, try RequestParts.changed { $0.version = [] }),
      .init("a text for a name", malformed, try RequestParts.changed { $0.subject = RawDER.utf8("pump-7") }),
      .init("no attributes", malformed, try RequestParts.changed { $0.attributes = [] }),
      .init("trailing bytes", malformed, try RequestParts().der + [0]),
      .init("a second request after the first", malformed, try RequestParts().der + RequestParts().der),
      .init("trailing bytes in what is signed", malformed, try RequestParts.changed { $0.more = [5, 0] }),
      .init(
        "trailing bytes in the key", malformed,
        try RequestParts.changed { $0.key = RawDER.tlv(0x30, RawDER.contents($0.key), [5, 0]) }),
      .init("half of a request", malformed, try Array(RequestParts().der.prefix(100))),
    ]
  }

  private static func bounds() throws -> [HostileRequest] {
    let (malformed, large) = ("request-malformed", "request-too-large")
    func attributes(_ count: Int) throws -> [UInt8] {
      try RequestParts.changed { $0.attributes = RawDER.tlv(0xa0, (0..<count).map(RequestParts.attribute)) }
    }
    func subject(_ size: Int) throws -> [UInt8] {
      try RequestParts.changed { $0.subject = RequestParts.name(String(repeating: "x", count: size)) }
    }
    return [
      .init("17 attributes", malformed, try attributes(17)),
      .init("500 attributes", malformed, try attributes(500)),
      .init("10,000 attributes", large, try attributes(10_000)),
      .init("a name of 17 KiB", large, try subject(17 << 10)),
      .init("a name of 47 KiB, all that a body holds", large, try subject(47 << 10)),
      .init("a name of a megabyte", large, try subject(1 << 20)),
      .init("a megabyte of zeros", large, [UInt8](repeating: 0, count: 1 << 20)),
      .init("nested 51 deep", malformed, RawDER.nested(51)),
      .init("nested 4,000 deep", malformed, RawDER.nested(4000)),
      .init("nested 100,000 deep", large, RawDER.nested(100_000)),
      .init(
        "attributes nested 2,000 deep", malformed, try RequestParts.changed { $0.attributes = RawDER.nested(2000) }),
    ]
  }

  private static func encodings() throws -> [HostileRequest] {
    let malformed = "request-malformed"
    let sound = try RequestParts().der
    let parts = RequestParts()
    let info = RawDER.sequence(parts.version, parts.subject, parts.key, parts.attributes)
    let signature = [UInt8](try parts.privateKey.signature(for: RawDER.indefinite(info)).derRepresentation)
    return [
      .init("an indefinite length", malformed, RawDER.indefinite(sound)),
      .init(
        "what is signed in an indefinite length", malformed,
        RawDER.sequence(RawDER.indefinite(info), parts.algorithm, RawDER.bits(signature))),
      .init("an indefinite length without end", malformed, [0x30, 0x80] + RawDER.contents(sound)),
      .init(
        "a length in more bytes than it needs", malformed,
        [0x30, 0x83, 0] + RawDER.length(sound.count).suffix(2)
          + RawDER.contents(sound)),
      .init("a length of 2⁶³", malformed, [0x30, 0x88, 0x80, 0, 0, 0, 0, 0, 0, 0]),
      .init("a length of 2⁶⁴−1", malformed, [0x30, 0x88] + [UInt8](repeating: 0xff, count: 8)),
      .init("a length beyond the end", malformed, [0x30, 0x82, 0x7f, 0xff] + RawDER.contents(sound)),
      .init(
        "a version in two bytes", malformed, try RequestParts.changed { $0.version = [2, 2, 0, 0] }),
      .init(
        "a key with a bit to spare", malformed,
        try RequestParts.changed { parts in
          let point = [UInt8](parts.privateKey.publicKey.x963Representation)
          let algorithm = RawDER.sequence(RawDER.oid(1, 2, 840, 10045, 2, 1), RawDER.oid(1, 2, 840, 10045, 3, 1, 7))
          parts.key = RawDER.sequence(algorithm, RawDER.tlv(0x03, [1], point))
        }),
    ]
  }

  private static func signatures() throws -> [HostileRequest] {
    let another = try P256.Signing.PrivateKey().signature(for: [1]).derRepresentation
    let weak = [
      ("ECDSA with SHA-1", RawDER.sequence(RawDER.oid(1, 2, 840, 10045, 4, 1))),
      ("RSA with MD5", RawDER.sequence(RawDER.oid(1, 2, 840, 113_549, 1, 1, 4), [5, 0])),
      ("RSA with SHA-1", RawDER.sequence(RawDER.oid(1, 2, 840, 113_549, 1, 1, 5), [5, 0])),
      ("another key's algorithm", RawDER.sequence(RawDER.oid(1, 2, 840, 113_549, 1, 1, 11), [5, 0])),
    ]
    let openssl = try OpenSSL()
    return try weak.map { name, algorithm in
      HostileRequest(
        "\(name), said of a P-256 key", "signature-algorithm",
        try RequestParts.changed {
          $0.algorithm = algorithm
        })
    }
      + [["-sha1"], ["-md5"]].map { hash in
        HostileRequest("RSA\(hash[0])", "signature-algorithm", try openssl.request(["rsa:2048"], hash))
      } + [
        .init(
          "P-256 with SHA-1", "signature-algorithm",
          try openssl.request(["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], ["-sha1"])),
        .init(
          "another's signature", "possession-not-proved", try RequestParts.changed { $0.signature = [UInt8](another) }),
        .init("no signature", "possession-not-proved", try RequestParts.changed { $0.signature = [] }),
        .init(
          "a signature of zeros", "possession-not-proved",
          try RequestParts.changed { $0.signature = RawDER.sequence([2, 1, 0], [2, 1, 0]) }),
        .init(
          "another's key", "possession-not-proved",
          try RequestParts.changed { $0.key = [UInt8](P256.Signing.PrivateKey().publicKey.derRepresentation) }),
      ]
  }

  private static func keys() throws -> [HostileRequest] {
    let openssl = try OpenSSL()
    func curve(_ name: String) -> [String] { ["ec", "-pkeyopt", "ec_paramgen_curve:\(name)"] }
    return [
      .init("RSA 1024", "key-size", try openssl.request(["rsa:1024"])),
      .init(
        "RSA with exponent 3", "key-exponent", try openssl.request(["rsa:2048", "-pkeyopt", "rsa_keygen_pubexp:3"])),
      .init("P-521", "key-algorithm", try openssl.request(curve("P-521"))),
      .init("secp256k1", "key-algorithm", try openssl.request(curve("secp256k1"))),
      .init("Ed448", "key-algorithm", try openssl.request(["ed448"])),
      .init(
        "a curve by its parameters", "key-encoding",
        try openssl.request(curve("P-256") + ["-pkeyopt", "ec_param_enc:explicit"])),
    ]
  }
}
