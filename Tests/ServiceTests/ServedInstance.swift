import Foundation
import MusterModel
import MusterTesting
import Synchronization
import Testing

@testable import muster

/// A running `muster serve`, ended by its own PID.
final class ServiceProcess: Sendable {
  let server: String
  let pid: Int32
  private let process: Mutex<Process>
  private let ended: Task<Int32, Never>

  /// Waits for the ready line; where the process ends before it, throws with what it said.
  /// `through` is a program that becomes the service, with its first arguments.
  init(data: String, log: String, _ options: [String] = [], through: [String] = []) async throws {
    let process = Process()
    let command = through + [try Program.path(), "serve", "--data", data, "--listen", "127.0.0.1:0"] + options
    process.executableURL = URL(fileURLWithPath: through.isEmpty ? command[0] : "/usr/bin/env")
    process.arguments = through.isEmpty ? Array(command.dropFirst()) : command
    let output = Pipe()
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    if !FileManager.default.fileExists(atPath: log) { try Data().write(to: URL(fileURLWithPath: log)) }
    let errors = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
    try errors.seekToEnd()
    process.standardError = errors
    let (ends, end) = AsyncStream.makeStream(of: Int32.self)
    process.terminationHandler = {
      end.yield($0.terminationStatus)
      end.finish()
    }
    try launch(process)
    pid = process.processIdentifier
    self.process = Mutex(process)
    ended = Task { await ends.first { _ in true } ?? -1 }
    let line = await firstLine(of: output.fileHandleForReading)
    guard line.hasPrefix("muster: serving https://") else {
      let said = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
      throw StartFailure(status: await ended.value, said: said)
    }
    server = String(line.dropFirst("muster: serving ".count))
  }

  /// SIGTERM, or another; the exit status.
  @discardableResult
  func end(_ signal: Int32 = SIGTERM) async -> Int32 {
    kill(pid, signal)
    return await ended.value
  }
}

struct StartFailure: Error {
  let status: Int32
  let said: String
}

/// Without its end; empty where the writer ended first.
private func firstLine(of handle: FileHandle) async -> String {
  await withCheckedContinuation { continuation in
    Thread.detachNewThread {
      var line = Data()
      while let byte = try? handle.read(upToCount: 1), let first = byte.first, first != UInt8(ascii: "\n") {
        line.append(first)
      }
      continuation.resume(returning: String(decoding: line, as: UTF8.self))
    }
  }
}

/// An instance in a folder of its own, made by `muster init` and served by `muster serve`.
struct ServedInstance: Sendable {
  let folder: ScratchFolder
  var service: ServiceProcess

  var data: String { folder.file("data") }
  var root: String { data + "/trust/root.pem" }
  var administrator: String { data + "/operators/admin.pem" }

  static func with(
    _ initOptions: [String] = [], prepare: (ScratchFolder) async throws -> Void = { _ in },
    _ body: (inout ServedInstance) async throws -> Void
  ) async throws {
    let folder = try ScratchFolder()
    defer { folder.remove() }
    try await found(in: folder, initOptions)
    try await prepare(folder)
    var instance = ServedInstance(folder: folder, service: try await serve(folder))
    do {
      try await body(&instance)
    } catch {
      await instance.service.end(SIGKILL)
      throw error
    }
    #expect(await instance.service.end() == 0, "\(instance.log.suffix(2000))")
  }

  /// By `muster init`; without options, a copy of an instance that was made so once: each would take two scrypts.
  static func found(in folder: ScratchFolder, _ options: [String] = []) async throws {
    guard options.isEmpty else { return try await initialize(folder, options) }
    _ = try await run("cp", ["-a", try await template.value.path + "/.", folder.path]).succeeded()
  }

  private static let template = Task {
    let folder = try ScratchFolder()
    SharedFolders.removeAtExit(folder.path)
    try await initialize(folder, [])
    return folder
  }

  private static func initialize(_ folder: ScratchFolder, _ options: [String]) async throws {
    _ = try await Program.muster(
      [
        "init", "--data", folder.file("data"), "--organization", "Test Works", "--hostname", "localhost", "--hostname",
        "127.0.0.1", "--trust-domain", "test.example", "--recovery-code-file", folder.file("recovery-code"),
      ] + options
    ).succeeded()
  }

  private static func serve(_ folder: ScratchFolder) async throws -> ServiceProcess {
    try await ServiceProcess(data: folder.file("data"), log: folder.file("log"))
  }

  var log: String { (try? folder.read("log")) ?? "" }

  /// Starts again after the process ended.
  mutating func start() async throws { service = try await ServedInstance.serve(folder) }

  /// SIGKILL, and a new process at the same address.
  mutating func killAndStartAgain() async throws {
    let address = String(service.server.dropFirst("https://".count))
    await service.end(SIGKILL)
    service = try await ServiceProcess(data: data, log: folder.file("log"), ["--listen", address])
  }

  /// The command line as the administrator, or as who the file says.
  func muster(_ arguments: String..., as identity: String? = nil, input: String = "") async throws -> Ran {
    try await Program.muster(
      arguments, input: input,
      environment: ["MUSTER_SERVER": service.server, "MUSTER_IDENTITY": identity ?? administrator])
  }

  /// `muster` on the folder, whether it is served or not.
  func onFolder(_ arguments: String..., input: String = "") async throws -> Ran {
    try await Program.muster(arguments + ["--data", data], input: input)
  }

  /// Adds an operator; the identity file.
  func add(_ name: String, _ role: Role, _ options: [String] = []) async throws -> String {
    let file = folder.file("\(name).pem")
    let ran = try await Program.muster(
      ["operator", "add", name, "--role", role.rawValue, "--out", file] + options,
      environment: ["MUSTER_SERVER": service.server, "MUSTER_IDENTITY": administrator])
    _ = try ran.succeeded()
    return file
  }

  func client(_ identity: String? = nil) throws -> TestClient {
    try TestClient(server: service.server, root: root, identity: identity)
  }

  /// The ledger verifies, and every view follows from it.
  func expectWholeLedger() async throws {
    #expect(try await onFolder("ledger", "verify").succeeded().contains("events are whole"))
    #expect(try await onFolder("ledger", "replay", "--check").succeeded().contains("every view agrees"))
  }
}
