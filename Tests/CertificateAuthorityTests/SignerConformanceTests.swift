import CertificateAuthority
import MusterTesting
import Testing

@Suite struct SignerConformanceTests {
  @Test(arguments: SignerConformance.all, [SoftwareSigner.Curve.p256, .p384])
  func `a key in memory is a Signer`(
    _ requirement: Requirement<any Signer>, curve: SoftwareSigner.Curve
  ) async throws {
    let (scalar, signer) = try SoftwareSigner.generate(curve)
    try await requirement.check(signer)
    try await requirement.check(SoftwareSigner(curve, scalar: scalar))
  }
}
