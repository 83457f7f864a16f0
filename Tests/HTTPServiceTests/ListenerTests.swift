import Foundation
import MusterModel
import MusterTesting
import Testing

@testable import HTTPService

@Suite(.timeLimit(.minutes(20))) struct ListenerTests {
  @Test(arguments: [("--http1.1", "1.1"), ("--http2", "2")])
  func `health answers by the negotiated protocol`(flag: String, version: String) async throws {
    try await serving { service in
      let answer = try await service.curl("/health/live", [flag, "-w", "\n%{http_version} %{http_code}"])
      #expect(answer.output == "live\n\n\(version) 200", "\(answer.errors)")
    }
  }

  @Test(arguments: [("1.1", false), ("1.2", true), ("1.3", true)])
  func `TLS 1-1 is refused, 1-2 and 1-3 are not`(version: String, works: Bool) async throws {
    try await serving { service in
      let ran = try await run(
        "openssl",
        ["s_client", "-connect", "localhost:\(service.port)", "-CAfile", service.pki.path("root.pem")]
          + [
            "-tls\(version.replacing(".", with: "_"))".replacing("tls1_", with: "tls1_"), "-cipher", "ALL:@SECLEVEL=0",
          ])
      #expect(ran.output.contains("Cipher is (NONE)") != works, "\(ran.output) \(ran.errors)")
    }
  }

  @Test func `who shows no certificate is served, and has none`() async throws {
    try await serving { service in
      let answer = try await service.curl("/whoami")
      #expect(answer.output == " 127.0.0.1\n200")
    }
  }

  @Test(arguments: ["--http1.1", "--http2"], ["--tls-max 1.2", "--tlsv1.3"])
  func `the presented chain reaches the handler, leaf first`(http: String, tls: String) async throws {
    try await serving { service in
      let arguments = [http] + tls.split(separator: " ").map(String.init)
      let answer = try await service.curl(
        "/whoami", arguments + service.identity("client", chain: "client-chain.pem"))
      let expected = try await ["client", "middle"].asyncMap { try await service.fingerprint($0) }
      #expect(answer.output == expected.joined(separator: ",") + " 127.0.0.1\n200", "\(answer.errors)")
    }
  }

  @Test(arguments: ["stranger", "client-ed25519"])
  func `a certificate under no root of ours completes the handshake`(name: String) async throws {
    try await serving { service in
      let answer = try await service.curl("/whoami", service.identity(name))
      let fingerprint = try await service.fingerprint(name)
      #expect(answer.output == "\(fingerprint) 127.0.0.1\n200", "\(answer.errors)")
    }
  }

  @Test func `a chain out of bounds is refused at the handshake`() async throws {
    try await serving { service in
      let answer = try await service.curl("/whoami", service.identity("client", chain: "client-long.pem"))
      #expect(answer.status != 0)
    }
  }

  @Test(arguments: ["-tls1_2", "-tls1_3"])
  func `no session is resumed, so that the chain is always there`(version: String) async throws {
    try await serving { service in
      let session = FileManager.default.temporaryDirectory.appending(path: "session-\(UUID().uuidString)").path
      defer { try? FileManager.default.removeItem(atPath: session) }
      func connect(_ extra: [String]) async throws -> Ran {
        try await run(
          "openssl",
          ["s_client", "-connect", "localhost:\(service.port)", "-CAfile", service.pki.path("root.pem"), version]
            + ["-cert", service.pki.path("client.pem"), "-key", service.pki.path("client.key"), "-ign_eof"] + extra,
          input: Array("GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".utf8))
      }
      let first = try await connect(["-sess_out", session])
      #expect(first.output.contains("New, TLS"), "\(first.errors)")
      #expect(FileManager.default.fileExists(atPath: session))
      let second = try await connect(["-sess_in", session])
      #expect(second.output.contains("New, TLS") && !second.output.contains("Reused, TLS"), "\(second.errors)")
      #expect(second.output.contains("live"))
    }
  }

  @Test func `a renewed certificate is shown without a restart`() async throws {
    try await serving { service in
      func shown() async throws -> String {
        let ran = try await run("openssl", ["s_client", "-connect", "localhost:\(service.port)"])
        return ran.output.split(separator: "\n").first { $0.hasPrefix("subject=") }.map(String.init) ?? ""
      }
      #expect(try await shown().hasSuffix("= server"))
      service.credential.replace(
        with: try ServerCredential(
          chainPEM: service.pki.bytes("server-renewed.pem"),
          keyPEM: SecretBytes(copying: service.pki.bytes("server-renewed.key"))))
      #expect(try await shown().hasSuffix("= server-renewed"))
    }
  }

  @Test func `a key that is not the certificate's is refused when it is loaded`() async throws {
    let pki = try await ScratchPKI.shared.value
    let (chain, key) = (try pki.bytes("server.pem"), SecretBytes(copying: try pki.bytes("client.key")))
    #expect(throws: ServerCredentialError.self) { try ServerCredential(chainPEM: chain, keyPEM: key) }
  }

  @Test func `the plain listener serves what is public and nothing else`() async throws {
    try await serving { service in
      let answer = try await run("curl", ["-sS", "http://127.0.0.1:\(service.plainPort)/public.txt"])
      #expect(answer.output == "public")
      for path in ["/whoami", "/metrics"] {
        let status = try await run(
          "curl", ["-sS", "-o", "/dev/null", "-w", "%{http_code}", "http://127.0.0.1:\(service.plainPort)\(path)"])
        #expect(status.output == "404")
      }
    }
  }
}

extension RunningService {
  func fingerprint(_ name: String) async throws -> String {
    let ran = try await run(
      "openssl", ["x509", "-in", pki.path("\(name).pem"), "-noout", "-fingerprint", "-sha256"])
    let hex = ran.output.split(separator: "=").last.map(String.init) ?? ""
    return hex.filter(\.isHexDigit).lowercased()
  }
}

extension Sequence where Element: Sendable {
  func asyncMap<Value>(_ transform: (Element) async throws -> Value) async rethrows -> [Value] {
    var values: [Value] = []
    for element in self { values.append(try await transform(element)) }
    return values
  }
}
