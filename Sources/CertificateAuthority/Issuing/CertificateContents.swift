import MusterModel

/// What a certificate's DER says, read strictly and kept.
struct CertificateContents: Sendable {
  let signed: ArraySlice<UInt8>
  /// Most significant byte first, without leading zeros.
  let serial: [UInt8]
  /// The DER of the issuer's Name.
  let issuer: [UInt8]
  let notBefore: Timestamp
  let notAfter: Timestamp
  /// The DER of the subject's Name.
  let subject: [UInt8]
  let subjectPublicKeyInfo: [UInt8]
  let extensions: [CertificateExtension]
  let signature: [UInt8]

  init(_ der: [UInt8]) throws(MalformedDER) {
    let fields = try CertificateFields(der)
    signed = fields.signed
    serial = Array(fields.serial)
    issuer = Array(fields.issuer)
    (notBefore, notAfter) = (fields.notBefore, fields.notAfter)
    subject = Array(fields.subject)
    subjectPublicKeyInfo = Array(fields.subjectPublicKeyInfo)
    extensions = try CertificateExtension.list(fields.extensions)
    signature = Array(fields.signature)
  }

  func value(of type: [UInt8]) -> [UInt8]? { extensions.first { $0.type == type }?.value }
}
