import Foundation
import MusterTesting
import Testing

extension ServiceTests {
  /// What `CertificateAuthorityTests` shows of the room, of the service: a body of EST, with a ticket that is good.
  @Suite struct HostileRequestTests {
    /// In bytes of DER: what a body of 64 KiB holds in base64.
    private static let bodyLimit = 48 << 10

    @Test func `hostile requests are refused for what they are, spend no ticket and stop nothing`() async throws {
      try await ServedInstance.with { instance in
        let code = try await instance.muster(
          "ticket", "issue", "--hardware", "cpu-serial:00000000e4b1c9d2", "--device", "pump-7"
        ).succeeded().trimmingCharacters(in: .newlines)
        for request in try HostileRequest.all() {
          let answer = try await curl(instance, code, request.der)
          let fits = request.der.count <= HostileRequestTests.bodyLimit
          let expected = fits ? "400 \(request.code): " : "413 body-too-large: "
          #expect(answer.hasPrefix(expected), "\(request): \(answer)")
          #expect(answer.utf8.count < 1024 && answer.filter(\.isNewline).count == 1, "\(request)")
        }
        try await expectOwnNameAlone(instance, code)
        try await instance.expectWholeLedger()
        #expect(!instance.log.contains("request failed"), "\(instance.log.suffix(2000))")
      }
    }

    /// The status, and what was answered; curl shows an answer also where the service stopped reading.
    private func curl(_ instance: ServedInstance, _ code: String, _ der: [UInt8]) async throws -> String {
      let ran = try await run(
        "curl",
        [
          "-sS", "--max-time", "60", "--cacert", instance.root, "-u", "pump-7:\(code)", "-H",
          "Content-Type: application/pkcs10", "-H", "Expect:", "--data-binary", "@-", "-w", "%{stderr}%{http_code}",
          instance.service.server + "/.well-known/est/simpleenroll",
        ], input: Array(Data(der).base64EncodedString().utf8))
      return "\(ran.errors.suffix(3)) \(ran.output)"
    }

    /// The same key again gets the same certificate, whatever it now calls itself.
    private func expectOwnNameAlone(_ instance: ServedInstance, _ code: String) async throws {
      var answers: Set<String> = []
      for request in try MisnamedRequest.all() {
        let answer = try await curl(instance, code, request.der)
        if answer.hasPrefix("400 ") { continue }
        #expect(answer.hasPrefix("200 "), "\(request): \(answer)")
        let cms = try #require(Data(base64Encoded: String(answer.dropFirst(4))), "\(request)")
        #expect(cms.range(of: Data(request.name.utf8)) == nil, "\(request)")
        answers.insert(answer)
      }
      #expect(answers.count == 1)
      let cms = try #require(answers.first.flatMap { Data(base64Encoded: String($0.dropFirst(4))) })
      let printed = try await run("openssl", ["pkcs7", "-inform", "DER", "-print_certs", "-noout"], input: Array(cms))
      #expect(try printed.succeeded().contains("subject=CN = pump-7\n"), "\(printed.output)")
    }
  }
}
