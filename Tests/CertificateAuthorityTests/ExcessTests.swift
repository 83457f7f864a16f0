import Crypto
import MusterModel
import MusterTesting
import Testing

@testable import CertificateAuthority
@testable import Policy

@Suite struct ExcessTests {
  let instance: Instance

  init() throws { instance = try Instance() }

  @Test(arguments: [
    "evil\0.example", "line\nbreak", "*.plant.example", "аdmin", "admin", "../../etc",
    String(repeating: "x", count: 4000),
  ])
  func `whatever a request calls itself, the certificate holds the permitted name alone`(name: String) async throws {
    let request = try Instance.request(subject: name)
    let contents = try CertificateContents(try await instance.issueDevice("meter-7", request).der)
    #expect(contents.subject == DistinguishedName.encode([(OID.commonName, "meter-7")]))
  }

  private static let extensions = [
    ExtensionEncoding.basicConstraints(isCA: true),
    ExtensionEncoding.subjectAlternativeName([.uri("spiffe://plant.example/device/other")]),
    ExtensionEncoding.extendedKeyUsage([.ocspSigning]), ExtensionEncoding.keyUsage(KeyUsageBits.authority),
  ]

  @Test(arguments: extensions)
  func `an extension beyond the permit is never honoured`(extension asked: CertificateExtension) async throws {
    let der = try RequestBuilder.changed { $0.attributes = RequestBuilder.extensionRequest(asked.der) }
    let request = try CertificateRequest.verify(der, blocked: .none).get()
    let contents = try CertificateContents(try await instance.issueDevice("meter-7", request).der)
    #expect(contents.extensions.count == 8)
    #expect(!contents.extensions.contains(asked))

    let strict = try strictCertification()
    let result = try await strict.issue(
      instance.devicePermit(), request: request, identity: instance.identity(), now: instance.now)
    guard case .failure(.excess) = result else {
      Issue.record("expected a refusal, found \(result)")
      return
    }
  }

  @Test func `a strict profile takes a request for what is permitted`() async throws {
    let strict = try strictCertification()
    let identity = instance.identity()
    let names: [GeneralName] = [.uri("spiffe://plant.example/device/meter-7")]
    let der = try RequestBuilder.changed {
      $0.subject = DistinguishedName.encode([(OID.commonName, "meter-7")])
      $0.attributes = RequestBuilder.extensionRequest(ExtensionEncoding.subjectAlternativeName(names).der)
    }
    let request = try CertificateRequest.verify(der, blocked: .none).get()
    let issued = try await strict.issue(
      instance.devicePermit(), request: request, identity: identity, now: instance.now
    ).get()
    #expect(issued.attachments.map(\.bytes) == [issued.der, der])
    let other = try await strict.issue(
      instance.devicePermit(), request: Instance.request(subject: "meter-8"), identity: identity, now: instance.now)
    #expect(throws: IssuanceRefusal.self) { try other.get() }
  }

  private func strictCertification() throws -> Certification {
    let text = try Project.profiles().first { $0.name == "device.yaml" }?.text ?? ""
    let strict = try ProfileSet.load(files: [
      (name: "device.yaml", text: text.replacing("excess: ignore", with: "excess: refuse"))
    ])
    return try Certification(profile: try #require(strict["device"]), issuer: instance.devices)
  }

  @Test func `a renewal keeps subject and names`() async throws {
    let issued = try await instance.issueDevice("meter-7")
    let names = try #require(CertificateContents(issued.der).value(of: OID.subjectAlternativeName))
    func refusal(_ change: (inout RequestBuilder) -> Void) throws -> String? {
      let der = try RequestBuilder.changed(change)
      return try CertificateRequest.verify(der, blocked: .none).get().refusalAsRenewal(of: issued.der)?.code
    }
    let subject = DistinguishedName.encode([(OID.commonName, "meter-7")])
    let printable = TLV.sequence(
      TLV.set(TLV.sequence(OID.commonName, TLV.encode(0x13, [Array("meter-7".utf8)]))))
    let same = CertificateExtension(OID.subjectAlternativeName, names).der
    let other = ExtensionEncoding.subjectAlternativeName([.dns("meter-8")]).der
    #expect(try refusal { $0.subject = subject } == nil)
    #expect(try refusal { $0.subject = printable } == nil)
    #expect(
      try refusal {
        $0.subject = subject
        $0.attributes = RequestBuilder.extensionRequest(same)
      } == nil)
    #expect(
      try refusal {
        $0.subject = subject
        $0.attributes = RequestBuilder.extensionRequest(other)
      } == "renewal-alternative-name")
    for name in ["meter-8", "METER-7", "meter-7 ", ""] {
      #expect(try refusal { $0.subject = DistinguishedName.encode([(OID.commonName, name)]) } == "renewal-subject")
    }
    #expect(try refusal { $0.subject = TLV.sequence() } == "renewal-subject")
  }
}
