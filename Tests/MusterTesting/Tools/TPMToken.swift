import Foundation
import Synchronization

/// A token of tpm2-pkcs11, whose keys a TPM in software holds. There is one, for the module looks for it once in a process.
package final class TPMToken: Sendable {
  package static let module = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib"]
    .map { $0 + "/pkcs11/libtpm2_pkcs11.so" }.first { FileManager.default.fileExists(atPath: $0) }
  package static let isThere =
    module != nil && SoftwareTPM.isThere && (try? runBlocking("which", ["tpm2_ptool"]))?.status == 0

  package static let shared = Result { try TPMToken() }

  package let pinFile: String
  private let tpm: SoftwareTPM
  private let files: TemporaryFolder
  private static let pin = "correct-horse"
  private static let label = "muster"

  private init() throws {
    tpm = try SoftwareTPM()
    files = try TemporaryFolder()
    pinFile = files.path("pin")
    try files.write(Array((Self.pin + "\n").utf8), "pin")
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: pinFile)
    let store = files.url.path
    for (name, value) in [("TPM2_PKCS11_STORE", store), ("TPM2_PKCS11_TCTI", tpm.tcti)] { setenv(name, value, 1) }
    try tool("init")
    try tool("addtoken", "--pid", "1", "--label", Self.label, "--sopin", "security-officer", "--userpin", Self.pin)
  }

  /// As `--pkcs11` takes it.
  package var uri: String { "pkcs11:token=\(Self.label)?module-path=\(Self.module ?? "")&pin-source=file:\(pinFile)" }

  private func tool(_ arguments: String...) throws {
    let ran = try runBlocking(
      "env", ["TPM2TOOLS_TCTI=\(tpm.tcti)", "tpm2_ptool"] + arguments + ["--path", files.url.path])
    guard ran.status == 0 else { throw Unmet(description: "expected a token: \(ran.output)\(ran.errors)") }
  }
}
