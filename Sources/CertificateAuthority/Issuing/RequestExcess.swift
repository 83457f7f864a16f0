import SwiftASN1

/// What a request asks for beyond what its certificate will hold.
enum RequestExcess {
  /// Refuses a request whose subject is another, or an extension of which is not in the certificate as it was asked.
  static func check(_ request: VerifiedRequest, against toBeSigned: [UInt8]) throws(IssuanceRefusal) {
    guard let granted = try? granted(toBeSigned) else {
      throw .excess("expected a request that can be compared, found none")
    }
    guard request.subject.isEmpty || request.subject.isSame(as: granted.subject) else {
      throw .excess("expected no subject or the permitted one, found another")
    }
    for asked in request.extensions where !isGranted(asked, granted.extensions) {
      throw .excess("expected no extension beyond the permit, found \(dotted(asked.type))")
    }
  }

  private static func isGranted(_ asked: CertificateExtension, _ granted: [CertificateExtension]) -> Bool {
    guard let same = granted.first(where: { $0.type == asked.type }) else { return false }
    guard asked.type == OID.subjectAlternativeName else { return same.value == asked.value }
    guard let askedNames = try? GeneralName.list(asked.value), let names = try? GeneralName.list(same.value) else {
      return false
    }
    return Set(askedNames).isSubset(of: names)
  }

  private static func granted(
    _ toBeSigned: [UInt8]
  ) throws(MalformedDER) -> (subject: DistinguishedName, extensions: [CertificateExtension]) {
    let members = try ASN1Node.parse(toBeSigned[...], "what is signed").members(limit: 8, "what is signed")
    guard members.count == 8 else { throw MalformedDER(expected: "8 members", found: "\(members.count)") }
    return (
      try DistinguishedName(members[5]), try CertificateExtension.list(members[7].inside(.context(3), "the extensions"))
    )
  }
}
