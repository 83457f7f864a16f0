import Foundation
import Synchronization

/// A TPM in software (swtpm), and tpm2-tools to speak with it: a foreign client of the same structures. Ports are the
/// system's choice; it ends with the object.
package final class SoftwareTPM: Sendable {
  package static let isThere = ["swtpm", "swtpm_ioctl", "tpm2_createek"].allSatisfy { tool in
    (try? runBlocking("which", [tool]))?.status == 0
  }

  package let folder: TemporaryFolder
  private let process: Mutex<Int32>
  package let port: Int

  /// swtpm's control channel stands one above its port: where either was taken meanwhile, another pair is tried. It must
  /// be the one that was started that answers, not another test's.
  package init() throws {
    var refusal: (any Error)?
    for _ in 0..<5 {
      let (folder, port) = (try TemporaryFolder(), try freePair())
      let process = try Self.start(folder, port)
      do {
        try Self.waitUntilReady(folder, port)
        guard process.isRunning else { throw Unmet(description: "expected a TPM of its own at port \(port)") }
        (self.folder, self.port) = (folder, port)
        self.process = Mutex(process.processIdentifier)
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
      do {
        try run("tpm2_getcap properties-fixed", folder, port)
        return
      } catch { refusal = error }
    }
    if let refusal { throw refusal }
  }

  deinit {
    // A child of a pool's thread has SIGTERM blocked; its state goes with its folder.
    halt()
  }

  /// It is gone as if it were pulled out; what it keeps stays.
  package func halt() { process.withLock { _ = kill($0, SIGKILL) } }

  /// It is back at the same port with what it kept.
  package func resume() throws {
    let process = try Self.start(folder, port)
    self.process.withLock { $0 = process.processIdentifier }
    try Self.waitUntilReady(folder, port)
  }

  /// As tpm2-tools take it in TPM2TOOLS_TCTI.
  package var tcti: String { "swtpm:host=127.0.0.1,port=\(port)" }

  /// Runs a tool of tpm2-tools in the folder, its arguments parted by blanks.
  package func run(_ line: String) throws { _ = try output(of: line) }

  /// The same, with what the tool printed.
  package func output(of line: String) throws -> String { try Self.run(line, folder, port) }

  /// How many wrong passwords it has counted.
  package func failures() throws -> Int {
    let line = try output(of: "tpm2_getcap properties-variable").split(separator: "\n")
      .first { $0.hasPrefix("TPM2_PT_LOCKOUT_COUNTER:") }
    return try required(line?.split(separator: "x").last.flatMap { Int($0, radix: 16) }, "a count of the TPM")
  }

  /// What lies in it, of a kind: `transient`, `loaded-session`, `saved-session`.
  package func handles(_ kind: String) throws -> [Substring] {
    try output(of: "tpm2_getcap handles-\(kind)").split(separator: "\n")
  }

  @discardableResult
  private static func run(_ line: String, _ folder: TemporaryFolder, _ port: Int) throws -> String {
    let words = line.split(separator: " ").map(String.init)
    let ran = try runBlocking(
      "env", ["TPM2TOOLS_TCTI=swtpm:host=127.0.0.1,port=\(port)"] + words, in: folder.url)
    guard ran.status == 0 else { throw Unmet(description: "\(line): \(ran.output)\(ran.errors)") }
    return ran.output
  }

  package func flush() throws { try run("tpm2_flushcontext -t") }

  /// It loses its power and comes back (TPM2_Shutdown, _TPM_Init, TPM2_Startup): what was loaded is gone, and it has counted
  /// a reset. Without _TPM_Init TPM2_Startup does nothing, which the tool takes for success.
  package func reset() throws {
    try run("tpm2_shutdown -c")
    try run("swtpm_ioctl --tcp 127.0.0.1:\(port + 1) -i")
    try run("tpm2_startup -c")
  }

  /// Sends commands as their bytes, over one connection: gives each answer. While it is open no tool has the TPM.
  package func exchange(_ commands: some Sequence<[UInt8]>) throws -> [[UInt8]] {
    let connection = try TPMConnection(port: port)
    return try commands.map { command in
      var response = try connection.exchange(command)
      // TPM_RC_RETRY: it has something to write first, as at the first use of a key after its start.
      while TPMCommand.status(of: response) == 0x922 { response = try connection.exchange(command) }
      return response
    }
  }
}

/// A port that nobody has, with the one above it: the system's choice.
private func freePair() throws -> Int {
  for _ in 0..<50 {
    guard let lower = listening(at: 0) else { continue }
    defer { close(lower.descriptor) }
    guard lower.port < 65_535, let upper = listening(at: lower.port + 1) else { continue }
    close(upper.descriptor)
    return lower.port
  }
  throw Unmet(description: "expected two free ports side by side")
}

/// A socket that is bound to a loopback port; nil where it is taken.
private func listening(at port: Int) -> (descriptor: Int32, port: Int)? {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = in_port_t(port).bigEndian
  address.sin_addr.s_addr = inet_addr("127.0.0.1")
  var size = socklen_t(MemoryLayout<sockaddr_in>.size)
  let isBound = withUnsafeMutablePointer(to: &address) { address in
    address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
    }
  }
  guard isBound else {
    close(descriptor)
    return nil
  }
  return (descriptor, Int(in_port_t(bigEndian: address.sin_port)))
}

/// A connection to swtpm's command channel: commands and responses as they are, each with its size in it
/// (TPM 2.0 Library part 3 §5.1).
private struct TPMConnection: ~Copyable {
  private let descriptor: Int32

  init(port: Int) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let connected = withUnsafePointer(to: &address) { address in
      address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard connected == 0 else { throw Unmet(description: "expected a TPM at port \(port), found errno \(errno)") }
  }

  deinit { close(descriptor) }

  borrowing func exchange(_ command: [UInt8]) throws -> [UInt8] {
    guard send(descriptor, command, command.count, 0) == command.count else {
      throw Unmet(description: "expected the TPM to take a command, found errno \(errno)")
    }
    var response = try read(10)
    let size = response[2..<6].reduce(0) { $0 << 8 | Int($1) }
    response += try read(size - 10)
    return response
  }

  private borrowing func read(_ count: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    guard count == 0 || recv(descriptor, &bytes, count, Int32(MSG_WAITALL)) == count else {
      throw Unmet(description: "expected \(count) bytes of the TPM, found errno \(errno)")
    }
    return bytes
  }
}
