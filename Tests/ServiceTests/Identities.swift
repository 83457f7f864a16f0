import Enrollment
import Foundation
import MusterTesting
import MusterModel
import MusterTesting
import Testing

@testable import muster

extension ServedInstance {
  /// A certificate's serial number, as Muster writes it.
  func serial(of identity: String) async throws -> String {
    let ran = try await run("openssl", ["x509", "-in", identity, "-noout", "-serial"])
    return try ran.succeeded().trimmingCharacters(in: .whitespacesAndNewlines).replacing("serial=", with: "")
      .lowercased()
  }

  /// A certificate and key that nobody here issued.
  func foreignIdentity() async throws -> String {
    let (key, file) = (folder.file("foreign.key"), folder.file("foreign.pem"))
    _ = try await run(
      "openssl",
      [
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=stranger",
        "-addext", "basicConstraints=critical,CA:FALSE", "-days", "30", "-keyout", key, "-out", file,
      ]
    ).succeeded()
    let pem = try String(contentsOfFile: file, encoding: .utf8) + String(contentsOfFile: key, encoding: .utf8)
    return try folder.write(pem, to: "foreign-identity.pem")
  }

  /// Issues a ticket by the command line, and redeems it; the device's identity file.
  func enroll(_ device: String, _ hardware: String, _ options: [String] = []) async throws -> String {
    let issued = try await Program.muster(
      ["ticket", "issue", "--hardware", hardware, "--device", device] + options,
      environment: ["MUSTER_SERVER": service.server, "MUSTER_IDENTITY": administrator])
    let code = try issued.succeeded().trimmingCharacters(in: .whitespacesAndNewlines)
    let key = PeerKey()
    let client = try client()
    let answer = try await client.enroll(device, code, try key.request(commonName: device))
    await client.shutdown()
    try #require(answer.status == 200, "\(answer.text)")
    return try await identity(answer.text, PEM.privateKey(key.key), name: device)
  }

  /// From EST's certs-only answer: the certificate, its issuer, the key.
  func identity(_ answer: String, _ key: String, name: String) async throws -> String {
    let der = try #require(Data(base64Encoded: answer, options: .ignoreUnknownCharacters))
    let ran = try await run("openssl", ["pkcs7", "-inform", "DER", "-print_certs"], input: Array(der))
    return try folder.write(try ran.succeeded() + key, to: "\(name).pem")
  }
}
