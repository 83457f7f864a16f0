import MusterModel

/// A certificate of a TPM maker, an endorsement key's or an issuer's, read by the loose reader. Nothing is verified yet.
struct MakerCertificate: Sendable {
  /// In bytes, what may stand behind it in the TPM's memory included.
  static let sizeLimit = 16 * 1024

  /// The certificate without what stood behind it.
  let der: [UInt8]
  let digest: Digest
  /// How many bytes of filling stood behind it.
  let padding: Int
  let signed: [UInt8]
  let signature: [UInt8]
  let signatureHash: TPMHash
  private let isSignedByRSA: Bool
  let isVersion3: Bool
  /// The encoded names.
  let issuer: [UInt8]
  let subject: [UInt8]
  let notBefore: Timestamp
  let notAfter: Timestamp
  let key: MakerKey
  let extensions: MakerExtensions

  /// `isFromMemory`: whether filling of 0x00 or 0xff may stand behind it, as where it was read from a TPM's NV index.
  init(_ bytes: [UInt8], isFromMemory: Bool = false) throws(MalformedTPM) {
    guard bytes.count <= MakerCertificate.sizeLimit else {
      throw MalformedTPM(
        expected: "a certificate of at most \(MakerCertificate.sizeLimit) bytes", found: "\(bytes.count)")
    }
    var outer = LooseDER(bytes[...])
    let certificate = try outer.take(0x30, "a certificate")
    padding = try MakerCertificate.filling(outer.remainder, isFromMemory)
    der = Array(certificate.whole)
    digest = Digest.sha256(der)

    var parts = LooseDER(certificate.content)
    let body = try parts.take(0x30, "what is signed")
    let algorithm = try parts.take(0x30, "the signature's algorithm")
    signature = Array(try parts.take("the signature").wholeBits("the signature"))
    try parts.end("a certificate")
    signed = Array(body.whole)

    var fields = LooseDER(body.content)
    isVersion3 = try MakerCertificate.isVersion3(&fields)
    // Negative serial numbers were issued: it is not asked what it says.
    _ = try fields.take(0x02, "a serial number")
    let inner = try fields.take(0x30, "the signature's algorithm")
    guard inner.content.elementsEqual(algorithm.content) else {
      throw MalformedTPM(expected: "one signature algorithm, within and without", found: "two")
    }
    (signatureHash, isSignedByRSA) = try MakerCertificate.readAlgorithm(algorithm)
    issuer = Array(try fields.take(0x30, "the issuer").whole)
    var validity = try fields.sequence("the validity")
    notBefore = try validity.take("notBefore").time()
    notAfter = try validity.take("notAfter").time()
    try validity.end("the validity")
    subject = Array(try fields.take(0x30, "the subject").whole)
    key = try MakerKey(try fields.take(0x30, "the subject public key"))
    _ = try fields.takeOptional(0x81, "issuerUniqueID")
    _ = try fields.takeOptional(0x82, "subjectUniqueID")
    extensions = try MakerExtensions(try fields.takeOptional(0xa3, "the extensions"))
    try fields.end("what is signed")
  }

  private static func filling(_ rest: ArraySlice<UInt8>, _ isFromMemory: Bool) throws(MalformedTPM) -> Int {
    guard rest.isEmpty || isFromMemory, rest.allSatisfy({ $0 == 0xff }) || rest.allSatisfy({ $0 == 0 }) else {
      throw MalformedTPM(expected: "the end of a certificate", found: "\(rest.count) more bytes")
    }
    return rest.count
  }

  private static func isVersion3(_ fields: inout LooseDER) throws(MalformedTPM) -> Bool {
    guard let explicit = try fields.takeOptional(0xa0, "the version") else { return false }
    return explicit.content.elementsEqual([0x02, 0x01, 0x02])
  }

  private static func readAlgorithm(_ value: LooseValue) throws(MalformedTPM) -> (TPMHash, Bool) {
    var fields = LooseDER(value.content)
    guard let known = OID.signatures[Array(try fields.take(0x06, "the signature's algorithm").content)] else {
      throw MalformedTPM(
        expected: "RSA PKCS #1 v1.5 or ECDSA with SHA-1 or SHA-2", found: "another signature algorithm")
    }
    return known
  }

  var isSelfIssued: Bool { subject == issuer }

  /// Whether `issuer`'s key made the signature, over the bytes as they came.
  func isSigned(by issuer: MakerKey) -> Bool {
    let isRSA = if case .rsa = issuer { true } else { false }
    return isRSA == isSignedByRSA && issuer.isValid(signature, over: signed, signatureHash)
  }

  /// The subject's common name, or the start of its digest: for people.
  var displayName: String { MakerName.text(OID.commonName, in: subject) ?? "certificate \(digest.hex.prefix(16))" }
}

/// What is read in a name (X.501): one attribute's text.
enum MakerName {
  /// The last value of `attribute` in an encoded Name, printable ASCII and at most 128 bytes of it; nil where there is none.
  static func text(_ attribute: [UInt8], in name: [UInt8]) -> String? {
    var found: String?
    do {
      var outer = LooseDER(name[...])
      var sets = try outer.sequence("a name")
      while !sets.isAtEnd {
        var members = LooseDER(try sets.take(0x31, "a relative name").content)
        while !members.isAtEnd {
          var pair = try members.sequence("an attribute")
          let type = try pair.take(0x06, "an attribute's type")
          let value = try pair.take("an attribute's value")
          if type.content.elementsEqual(attribute) { found = printable(value.content) }
        }
      }
    } catch {
      return nil
    }
    return found
  }

  /// It is shown on terminals: what could be an escape becomes a question mark.
  private static func printable(_ bytes: ArraySlice<UInt8>) -> String {
    String(decoding: bytes.prefix(128).map { (0x20...0x7e).contains($0) ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
  }
}
