import Attestation
import Foundation
import MusterTesting

/// A TPM in software (swtpm), and tpm2-tools to speak with it: a foreign client of the same structures. Ports are the
/// system's choice; it ends with the object.
final class SoftwareTPM {
  static let isThere = ["swtpm", "tpm2_createek", "tpm2_certify"].allSatisfy { tool in
    (try? runBlocking("which", [tool]))?.status == 0
  }

  let folder: TemporaryFolder
  private let process: Process
  private let port: Int

  /// swtpm's control channel stands one above its port: where either is taken, another pair is tried.
  init() throws {
    var refusal: (any Error)?
    for _ in 0..<5 {
      let (folder, port) = (try TemporaryFolder(), Int.random(in: 20_000...30_000))
      let process = try Self.start(folder, port)
      do {
        try Self.waitUntilReady(folder, port)
        (self.folder, self.process, self.port) = (folder, process, port)
        return
      } catch {
        kill(process.processIdentifier, SIGKILL)
        refusal = error
      }
    }
    throw refusal ?? Unmet(description: "expected a TPM in software")
  }

  private static func start(_ folder: TemporaryFolder, _ port: Int) throws -> Process {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [
      "swtpm", "socket", "--tpm2", "--tpmstate", "dir=\(folder.url.path)", "--server", "type=tcp,port=\(port)",
      "--ctrl", "type=tcp,port=\(port + 1)", "--flags", "not-need-init,startup-clear",
    ]
    process.standardError = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    try launch(process)
    return process
  }

  /// It listens a moment after it was started.
  private static func waitUntilReady(_ folder: TemporaryFolder, _ port: Int) throws {
    var refusal: (any Error)?
    for _ in 0..<50 {
      do { return try run("tpm2_getcap properties-fixed", folder, port) } catch { refusal = error }
    }
    if let refusal { throw refusal }
  }

  deinit {
    // A child of a pool's thread has SIGTERM blocked; its state goes with its folder.
    kill(process.processIdentifier, SIGKILL)
  }

  /// Runs a tool of tpm2-tools in the folder, its arguments parted by blanks.
  func run(_ line: String) throws { try Self.run(line, folder, port) }

  private static func run(_ line: String, _ folder: TemporaryFolder, _ port: Int) throws {
    let words = line.split(separator: " ").map(String.init)
    let ran = try runBlocking(
      "env", ["TPM2TOOLS_TCTI=swtpm:host=127.0.0.1,port=\(port)"] + words, in: folder.url)
    guard ran.status == 0 else { throw Unmet(description: "\(line): \(ran.output)\(ran.errors)") }
  }

  private func flush() throws { try run("tpm2_flushcontext -t") }

  private static let attestationHandle = "0x81010002"
  private static let deviceHandle = "0x81010003"

  /// Makes an endorsement key, an attestation key and a device key, and leaves the two last under handles of their own.
  func makeKeys(attestationKey: String, deviceKey: String) throws {
    try run("tpm2_createek -c ek.ctx -G rsa -u ek.pub")
    try flush()
    try run("tpm2_createak -C ek.ctx -c ak.ctx -G \(attestationKey) -u ak.pub")
    try flush()
    try run("tpm2_evictcontrol -C o -c ak.ctx \(Self.attestationHandle)")
    try run("tpm2_createprimary -C o -G ecc -c owner.ctx")
    try flush()
    try run(
      "tpm2_create -C owner.ctx -G \(deviceKey) -u key.pub -r key.priv "
        + "-a fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign")
    try flush()
    try run("tpm2_load -C owner.ctx -u key.pub -r key.priv -c key.ctx")
    try flush()
    try run("tpm2_evictcontrol -C o -c key.ctx \(Self.deviceHandle)")
    try flush()
  }

  /// TPM2_Certify of the device key by the attestation key. The tool gives no nonce, so the command is sent as its bytes
  /// (TPM 2.0 Library part 3 §18.2), each handle with an empty password. Gives TPMS_ATTEST and TPMT_SIGNATURE.
  func certify(nonce: [UInt8]) throws -> (info: [UInt8], signature: [UInt8]) {
    let password: [UInt8] = [0x40, 0, 0, 0x09, 0, 0, 0, 0, 0]
    let body: [UInt8] =
      [0x81, 0x01, 0, 0x03, 0x81, 0x01, 0, 0x02] + MadeTPM.number(18, 4) + password + password
      + MadeTPM.sized(nonce) + [0, 0x10]
    try folder.write([0x80, 0x02] + MadeTPM.number(UInt64(body.count + 10), 4) + [0, 0, 1, 0x48] + body, "command")
    try run("tpm2_send -o response command")
    let response = try folder.read("response")
    guard response.count > 16, response[6..<10].allSatisfy({ $0 == 0 }) else {
      throw Unmet(description: "TPM2_Certify: \(response.prefix(10))")
    }
    let parameters = response[10..<14].reduce(0) { $0 << 8 | Int($1) }
    let size = Int(response[14]) << 8 | Int(response[15])
    return (Array(response[16..<16 + size]), Array(response[(16 + size)..<(14 + parameters)]))
  }

  /// TPM2_Quote over two registers.
  func quote(nonce: [UInt8]) throws -> Quote {
    let digits = nonce.map { String(format: "%02x", $0) }.joined()
    try run("tpm2_quote -c \(Self.attestationHandle) -l sha256:0,7 -q \(digits) -m quote -s quote.sig -f tss")
    return Quote(info: try folder.read("quote"), signature: try folder.read("quote.sig"))
  }
}
