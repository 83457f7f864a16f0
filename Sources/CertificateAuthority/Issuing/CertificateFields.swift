import MusterModel

/// The fields of a certificate where they lie in its DER, read strictly (RFC 5280 §4.1) and apart from the code that
/// writes certificates.
struct CertificateFields {
  let signed: ArraySlice<UInt8>
  /// Most significant byte first, without leading zeros.
  let serial: ArraySlice<UInt8>
  /// AlgorithmIdentifier; the same inside and outside of what is signed.
  let signatureAlgorithm: ArraySlice<UInt8>
  /// The DER of the issuer's Name.
  let issuer: ArraySlice<UInt8>
  let notBefore: Timestamp
  let notAfter: Timestamp
  /// The DER of the subject's Name.
  let subject: ArraySlice<UInt8>
  let subjectPublicKeyInfo: ArraySlice<UInt8>
  /// The members of Extensions, not read yet.
  let extensions: DERReader
  let signature: ArraySlice<UInt8>

  static let sizeLimit = 16 * 1024

  init(_ der: [UInt8]) throws(MalformedDER) {
    guard der.count <= Self.sizeLimit else {
      throw MalformedDER(expected: "a certificate of at most \(Self.sizeLimit) bytes", found: "\(der.count)")
    }
    var outside = DERReader(der[...], "a certificate")
    var fields = try outside.members("a certificate")
    try outside.end()
    let body = try fields.take(0x30, "what is signed")
    signatureAlgorithm = try fields.take(0x30, "the signature algorithm").whole
    signature = try fields.take("the signature").wholeBits("the signature")
    try fields.end()
    signed = body.whole

    fields = DERReader(body.content, "what is signed of a certificate")
    guard try fields.take("the version").whole.elementsEqual([0xa0, 3, 0x02, 1, 2]) else {
      throw MalformedDER(expected: "a certificate of version 3", found: "another")
    }
    serial = try fields.take("the serial number").magnitude("the serial number")
    guard try fields.take("the signature algorithm").whole.elementsEqual(signatureAlgorithm) else {
      throw MalformedDER(expected: "one signature algorithm, inside and outside", found: "two")
    }
    issuer = try fields.take(0x30, "the issuer").whole
    var validity = try fields.members("the validity")
    (notBefore, notAfter) = (try validity.take("notBefore").time(), try validity.take("notAfter").time())
    try validity.end()
    subject = try fields.take(0x30, "the subject").whole
    subjectPublicKeyInfo = try fields.take(0x30, "the key").whole
    var tagged = try fields.members("the extensions", tag: 0xa3)
    extensions = try tagged.members("the extensions")
    try tagged.end()
    try fields.end()
  }
}
