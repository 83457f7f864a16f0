import MusterModel
import Testing

@testable import CertificateAuthority

@Suite struct IssuedExtensionsTests {
  let unsigned: UnsignedCertificate
  let extensions: [CertificateExtension]

  init() throws {
    let instance = try Instance()
    unsigned = try instance.certification("device").prepare(
      instance.devicePermit(), request: Instance.request(), identity: instance.identity(), now: instance.now
    ).get()
    extensions = try CertificateContents(unsigned.signedAtOnce().checked().der).extensions
  }

  /// The same certificate with these extensions, signed by its issuer and held to its permit.
  private func issue(_ extensions: [CertificateExtension]) throws {
    let contents = try CertificateContents(unsigned.signedAtOnce().checked().der)
    let changed = TBSCertificate.encode(
      serial: contents.serial, algorithm: unsigned.issuer.signer.algorithm.der, issuer: contents.issuer,
      validity: CertificateValidity(notBefore: contents.notBefore, notAfter: contents.notAfter),
      subject: contents.subject, key: contents.subjectPublicKeyInfo, extensions: extensions.flatMap(\.der))
    let forged = UnsignedCertificate(
      toBeSigned: changed, permit: unsigned.permit, profile: unsigned.profile, issuer: unsigned.issuer,
      identity: unsigned.identity, key: unsigned.key, request: unsigned.request, now: unsigned.now,
      record: unsigned.record)
    _ = try forged.signedAtOnce().checked()
  }

  @Test func `the extensions that are due are taken, in any order`() throws {
    #expect(extensions.count == 8)
    try issue(extensions)
    try issue(extensions.reversed())
  }

  @Test func `each extension that is left out or said twice is found`() {
    for index in extensions.indices {
      var (without, twice) = (extensions, extensions)
      without.remove(at: index)
      twice.append(extensions[index])
      #expect(throws: CertificationError.self, "\(dotted(extensions[index].type))") { try issue(without) }
      #expect(throws: CertificationError.self, "\(dotted(extensions[index].type))") { try issue(twice) }
    }
  }

  @Test func `each extension whose mark or whose value is another is found`() {
    for (index, one) in extensions.enumerated() {
      let others = [
        CertificateExtension(one.type, isCritical: !one.isCritical, one.value),
        CertificateExtension(one.type, isCritical: one.isCritical, one.value + [0x05, 0]),
        CertificateExtension(one.type, isCritical: one.isCritical, [UInt8](one.value.dropLast())),
        CertificateExtension(one.type, isCritical: one.isCritical, []),
      ]
      for other in others {
        var changed = extensions
        changed[index] = other
        #expect(throws: CertificationError.self, "\(dotted(one.type))") { try issue(changed) }
      }
    }
  }

  @Test(arguments: [
    ExtensionEncoding.ocspNoCheck, CertificateExtension(TLV.objectIdentifier([1, 3, 6, 1, 4, 1, 99]), TLV.null),
  ])
  func `an extension that is not due is found`(extension one: CertificateExtension) {
    #expect(throws: CertificationError.self) { try issue(extensions + [one]) }
  }

  @Test func `one more member in a list of names, purposes or addresses is found`() throws {
    let lists = [OID.subjectAlternativeName, OID.extendedKeyUsage, OID.crlDistributionPoints, OID.authorityInfoAccess]
    for type in lists {
      let index = try #require(extensions.firstIndex { $0.type == type })
      var list = DERReader(extensions[index].value[...], "a test")
      let members = try list.take("the list").content
      var changed = extensions
      changed[index] = CertificateExtension(type, TLV.encode(0x30, [Array(members), Array(members)]))
      #expect(throws: CertificationError.self, "\(dotted(type))") { try issue(changed) }
    }
  }
}
