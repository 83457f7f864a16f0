import MusterModel
import MusterTesting
import Testing

@testable import CertificateAuthority

@Suite struct HostileRequestTests {
  @Test(arguments: try HostileRequest.all())
  func `a hostile request is refused for what it is, in few plain words`(request: HostileRequest) {
    switch CertificateRequest.verify(request.der, blocked: .none) {
    case .success: Issue.record("it was taken")
    case .failure(let refusal):
      #expect(refusal.code == request.code, "\(refusal)")
      #expect(refusal.description.utf8.count < 512)
      #expect(refusal.description.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f })
    }
  }

  @Test(arguments: try MisnamedRequest.all())
  func `a name that is not the device's is in no certificate`(request: MisnamedRequest) async throws {
    let instance = try Instance()
    guard case .success(let verified) = CertificateRequest.verify(request.der, blocked: .none) else { return }
    let issued = try await instance.issueDevice("meter-7", verified)
    let contents = try CertificateContents(issued.der)
    #expect(contents.subject == DistinguishedName.encode([(OID.commonName, "meter-7")]))
    #expect(!issued.der.contains(Array(request.name.utf8)))
  }
}
