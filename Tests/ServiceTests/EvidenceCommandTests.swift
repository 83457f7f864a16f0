import Foundation
import MusterTesting
import Testing

/// `muster evidence` as a user calls it.
@Suite struct EvidenceCommandTests {
  let openSSL: OpenSSL

  init() throws {
    openSSL = try OpenSSL()
    try openSSL.write(
      Array(
        """
        [req]
        distinguished_name = dn
        [dn]
        [ca]
        basicConstraints = critical, CA:TRUE
        keyUsage = critical, keyCertSign
        [ek]
        basicConstraints = critical, CA:FALSE
        keyUsage = critical, keyEncipherment
        extendedKeyUsage = 2.23.133.8.1
        [tls]
        basicConstraints = critical, CA:FALSE
        keyUsage = critical, keyEncipherment
        extendedKeyUsage = serverAuth
        """.utf8), "openssl.cnf")
    for name in ["root", "other"] {
      try openSSL.succeed(
        "req -x509 -newkey rsa:2048 -nodes -keyout \(name).key -out \(name).pem -subj /CN=\(name) -config openssl.cnf "
          + "-extensions ca")
    }
    try openSSL.succeed("req -newkey rsa:2048 -nodes -keyout ek.key -out ek.csr -subj /CN=ek -config openssl.cnf")
    for kind in ["ek", "tls"] {
      try openSSL.succeed(
        "x509 -req -in ek.csr -CA root.pem -CAkey root.key -CAcreateserial -extfile openssl.cnf -extensions \(kind) "
          + "-outform DER -out \(kind).der")
    }
  }

  private func muster(_ arguments: String...) async throws -> Ran {
    try await Program.muster(["evidence"] + arguments)
  }

  @Test func `an EK certificate is accepted under its root, and refused under another, line by line`() async throws {
    let accepted = try await muster("ek-certificate", openSSL.path("ek.der"), "--trust", openSSL.path("root.pem"))
    #expect(accepted.status == 0 && accepted.lines.last == "accepted")
    #expect(accepted.output.contains("tpm-ek:"))
    let refused = try await muster("ek-certificate", openSSL.path("ek.der"), "--trust", openSSL.path("other.pem"))
    #expect(refused.status == 1 && refused.lines.last == "refused")
    #expect(refused.output.contains("certificate-untrusted"))
    let tls = try await muster("ek-certificate", openSSL.path("tls.der"), "--trust", openSSL.path("root.pem"))
    #expect(tls.status == 1 && tls.output.contains("ek-extended-key-usage"))
  }

  @Test func `a call that is none is told from evidence that is none`() async throws {
    #expect(try await muster("ek-certificate", openSSL.path("ek.der")).status == 2)
    #expect(try await muster("ek-certificate", openSSL.path("absent"), "--trust", openSSL.path("root.pem")).status == 2)
    #expect(try await muster("appraise", openSSL.path("absent")).status == 2)
    try openSSL.write(Array("[1]".utf8), "evidence.json")
    let unreadable = try await muster("appraise", openSSL.path("evidence.json"))
    #expect(unreadable.status == 1 && unreadable.output.contains("evidence-unreadable"))
    try openSSL.write(Array(#"{"akPublic":"AA==","surprise":"AA=="}"#.utf8), "evidence.json")
    #expect(try await muster("appraise", openSSL.path("evidence.json")).output.contains("surprise"))
  }
}
