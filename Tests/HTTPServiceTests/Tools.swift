import MusterTesting
import Foundation
import Testing

/// A scratch PKI by openssl, made once: two servers' certificates, a client's with one intermediate, a stranger's.
struct ScratchPKI: Sendable {
  let folder: URL

  static let shared = Task { try await ScratchPKI() }

  func path(_ name: String) -> String { folder.appending(path: name).path }
  func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: folder.appending(path: name))) }

  private init() async throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "pki-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    SharedFolders.removeAtExit(folder.path)
    try await root("root")
    try await root("stranger-root")
    try await issue("middle", by: "root", ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"])
    let server = ["subjectAltName=DNS:localhost,IP:127.0.0.1", "extendedKeyUsage=serverAuth"]
    try await issue("server", by: "root", server)
    try await issue("server-renewed", by: "root", server)
    try await issue("client", by: "middle", ["extendedKeyUsage=clientAuth"])
    try await issue("client-ed25519", by: "middle", ["extendedKeyUsage=clientAuth"], key: ["ed25519"])
    try await issue("stranger", by: "stranger-root", ["extendedKeyUsage=clientAuth"])
    let chain = try bytes("client.pem") + bytes("middle.pem")
    try Data(chain).write(to: folder.appending(path: "client-chain.pem"))
    let long = try bytes("client.pem") + (0..<5).flatMap { _ in try bytes("middle.pem") }
    try Data(long).write(to: folder.appending(path: "client-long.pem"))
  }

  private static let p256 = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]

  private func root(_ name: String) async throws {
    try await openssl(
      ["req", "-x509", "-newkey"] + ScratchPKI.p256
        + [
          "-nodes", "-keyout", path("\(name).key"), "-out", path("\(name).pem"), "-days", "30", "-subj", "/CN=\(name)",
        ])
  }

  private func issue(_ name: String, by issuer: String, _ extensions: [String], key: [String] = p256) async throws {
    try await openssl(
      ["req", "-x509", "-newkey"] + key
        + [
          "-nodes", "-keyout", path("\(name).key"), "-out", path("\(name).pem"), "-days", "20", "-subj", "/CN=\(name)",
        ]
        + ["-CA", path("\(issuer).pem"), "-CAkey", path("\(issuer).key")]
        + (extensions.contains { $0.hasPrefix("basicConstraints") } ? [] : ["-addext", "basicConstraints=CA:FALSE"])
        + extensions.flatMap { ["-addext", $0] })
  }

  private func openssl(_ arguments: [String]) async throws {
    let ran = try await run("openssl", arguments)
    try #require(ran.status == 0, "openssl \(arguments.joined(separator: " ")): \(ran.errors)")
  }
}
