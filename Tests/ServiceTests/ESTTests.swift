import Foundation
import MusterTesting
import MusterModel
import MusterTesting
import Testing

@testable import muster

extension ServiceTests {
  /// EST (RFC 7030) as programs that know nothing of Muster speak it.
  @Suite struct ESTTests {
    private let board = "cpu-serial:00000000e4b1c9d2"

    private func curl(_ instance: ServedInstance, _ path: String, _ options: [String]) async throws -> (Int, String) {
      let out = instance.folder.file("answer")
      let ran = try await run(
        "curl",
        ["-sS", "--max-time", "20", "--cacert", instance.root, "-o", out, "-w", "%{http_code}"] + options
          + [instance.service.server + "/.well-known/est/" + path])
      let status = try #require(Int(try ran.succeeded()))
      return (status, try String(contentsOfFile: out, encoding: .utf8))
    }

    /// A key and request by openssl; their files.
    private func request(
      _ instance: ServedInstance, _ subject: String, as name: String? = nil
    ) async throws -> (key: String, der: String, base64: String) {
      let name = name ?? subject
      let (key, der) = (instance.folder.file("\(name).key"), instance.folder.file("\(name).der"))
      _ = try await run(
        "openssl",
        [
          "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=\(subject)",
          "-keyout",
          key, "-outform", "DER", "-out", der,
        ]
      ).succeeded()
      let base64 = try Data(contentsOf: URL(fileURLWithPath: der)).base64EncodedString()
      return (key, der, try instance.folder.write(base64, to: "\(name).b64"))
    }

    private func ticket(_ instance: ServedInstance, _ device: String, _ hardware: String, _ more: [String] = [])
      async throws -> String
    {
      let ran = try await Program.muster(
        ["ticket", "issue", "--hardware", hardware, "--device", device] + more,
        environment: ["MUSTER_SERVER": instance.service.server, "MUSTER_IDENTITY": instance.administrator])
      return try ran.succeeded().trimmingCharacters(in: .newlines)
    }

    private func post(_ file: String) -> [String] {
      ["-H", "Content-Type: application/pkcs10", "--data-binary", "@\(file)"]
    }

    @Test func `curl gets the CAs and the attributes, and enrolls by ticket, with and without a label`() async throws {
      try await ServedInstance.with { instance in
        _ = try await instance.muster("group", "add", "pumps").succeeded()
        for label in ["", "pumps/"] {
          let (status, cas) = try await curl(instance, label + "cacerts", [])
          #expect(status == 200 && !cas.contains("\n"))
          let der = try #require(Data(base64Encoded: cas))
          let listed = try await run(
            "openssl", ["pkcs7", "-inform", "DER", "-print_certs", "-noout"], input: Array(der))
          #expect(try listed.succeeded().components(separatedBy: "subject=").count == 4)
          let (known, attributes) = try await curl(instance, label + "csrattrs", [])
          let parsed = try await run(
            "openssl", ["asn1parse", "-inform", "DER"], input: Array(try #require(Data(base64Encoded: attributes))))
          #expect(known == 200)
          #expect(try parsed.succeeded().contains("prime256v1"))
        }
        let code = try await ticket(instance, "pump-7", board, ["--group", "pumps"])
        let request = try await self.request(instance, "pump-7")
        let credentials = ["-u", "pump-7:\(code)"]
        #expect(try await curl(instance, "valves/simpleenroll", credentials + post(request.base64)).0 == 409)
        let (enrolled, answer) = try await curl(instance, "pumps/simpleenroll", credentials + post(request.base64))
        #expect(enrolled == 200, "\(answer)")
        #expect(try await curl(instance, "simpleenroll", credentials + post(request.base64)) == (200, answer))
        let wrong = try await curl(
          instance, "simpleenroll", ["-u", "pump-7:0000-0000-0000-0000"] + post(request.base64))
        #expect(wrong.0 == 401)
        let key = try String(contentsOfFile: request.key, encoding: .utf8)
        try await expectVerifies(try await instance.identity(answer, key, name: "pump-7"), instance)
        #expect(try await instance.muster("device", "show", "pump-7").succeeded().contains("pumps"))
      }
    }

    @Test func `a maker's certificate enrolls into the group that trusts the maker, again the same, and renews`()
      async throws
    {
      try await ServedInstance.with { instance in
        let maker = try await MakerPKI(instance.folder)
        _ = try await instance.muster("group", "add", "pumps", "--trust", maker.root).succeeded()
        let request = try await self.request(instance, "anything")
        let shown = ["--cert", maker.leaf, "--key", maker.key]
        let (status, answer) = try await curl(instance, "pumps/simpleenroll", shown + post(request.base64))
        #expect(status == 200, "\(answer)")
        #expect(try await curl(instance, "simpleenroll", shown + post(request.base64)) == (200, answer))
        let screen = try await instance.muster("device", "show", "SN-0001").succeeded()
        #expect(screen.contains("idevid:") && screen.contains("(proved)") && screen.contains("by idevid"))

        let key = try String(contentsOfFile: request.key, encoding: .utf8)
        let device = try await instance.identity(answer, key, name: "device")
        try await expectVerifies(device, instance)
        let next = try await self.request(instance, "SN-0001")
        let renewal = try await curl(
          instance, "simplereenroll", ["--cert", device, "--key", device] + post(next.base64))
        #expect(renewal.0 == 200, "\(renewal.1)")
        let renewed = try await instance.identity(renewal.1, key, name: "renewed")
        try await expectVerifies(renewed, instance)
        #expect(try await instance.serial(of: renewed) != instance.serial(of: device))
        try await expectRefused(maker, next.base64, instance)

        let stranger = try await instance.foreignIdentity()
        let foreign = try await curl(
          instance, "simpleenroll", ["--cert", stranger, "--key", stranger] + post(next.base64))
        #expect(foreign.0 == 401, "\(foreign.1)")
        try await instance.expectWholeLedger()
      }
    }

    /// Where no group trusts the maker, or the label names another group.
    private func expectRefused(_ maker: MakerPKI, _ csr: String, _ instance: ServedInstance) async throws {
      _ = try await instance.muster("group", "add", "valves").succeeded()
      let shown = ["--cert", maker.leaf, "--key", maker.key]
      #expect(try await curl(instance, "valves/simpleenroll", shown + post(csr)).0 == 401)
      #expect(try await curl(instance, "nowhere/simpleenroll", shown + post(csr)).0 == 401)
      #expect(try await curl(instance, "simplereenroll", shown + post(csr)).0 == 401)
      let other = try await MakerPKI(instance.folder, named: "other")
      let foreign = ["--cert", other.leaf, "--key", other.key]
      #expect(try await curl(instance, "pumps/simpleenroll", foreign + post(csr)).0 == 401)
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/pki")))
    func `strongSwan's pki gets the CAs, enrolls by ticket and re-enrolls`() async throws {
      try await ServedInstance.with { instance in
        let service = ["--url", instance.service.server, "--cacert", instance.root]
        let code = try await ticket(instance, "pump-7", board)
        let first = try await request(instance, "pump-7")
        let options = try instance.folder.write("--userpass pump-7:\(code)\n", to: "pki.options")
        let enrolled = try await run(
          "pki", ["--est"] + service + ["--in", first.der, "--options", options, "--outform", "pem"])
        let certificate = try instance.folder.write(try enrolled.succeeded(), to: "first.pem")
        try await expectVerifies(certificate, instance)
        let next = try await request(instance, "pump-7", as: "next")
        let renewed = try await run(
          "pki",
          ["--est"] + service + [
            "--in", next.der, "--cert", certificate, "--key", first.key, "--outform", "pem",
          ])
        try await expectVerifies(try instance.folder.write(try renewed.succeeded(), to: "second.pem"), instance)
      }
    }

    private func expectVerifies(_ certificate: String, _ instance: ServedInstance) async throws {
      let ran = try await run(
        "openssl",
        [
          "verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", instance.root, "-untrusted",
          instance.data + "/trust/chain.pem", certificate,
        ])
      #expect(ran.status == 0, "\(ran.errors)")
    }
  }
}
