import Foundation
import Testing

/// What a program did.
struct Ran: Sendable {
  let status: Int32
  let output: String
  let errors: String

  var lines: [String] { output.split(separator: "\n").map(String.init) }

  /// What it printed, where it ended well.
  func succeeded(_ location: SourceLocation = #_sourceLocation) throws -> String {
    try #require(status == 0, "\(errors)", sourceLocation: location)
    return output
  }
}

/// The program as it was built, beside this test bundle.
enum Program {
  static func path() throws -> String {
    let bundle = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let folders = [bundle, CommandLine.arguments[0]].map { URL(fileURLWithPath: $0).deletingLastPathComponent() }
    let found = folders.map { $0.appending(path: "muster").path }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
    return try #require(found, "expected muster beside \(bundle)")
  }

  static func muster(
    _ arguments: [String], input: String = "", environment: [String: String] = [:]
  ) async throws -> Ran {
    try await run(try path(), arguments, input: Array(input.utf8), environment: environment)
  }
}

/// Runs a program to its end; a name without a slash is looked up in PATH.
func run(
  _ program: String, _ arguments: [String], input: [UInt8] = [], environment: [String: String] = [:]
) async throws -> Ran {
  let folder = try ScratchFolder()
  defer { folder.remove() }
  let files = ["in", "out", "err"].map { URL(fileURLWithPath: folder.file($0)) }
  try Data(input).write(to: files[0])
  for file in files[1...] { try Data().write(to: file) }
  let process = Process()
  process.executableURL = URL(fileURLWithPath: program.contains("/") ? program : "/usr/bin/env")
  process.arguments = program.contains("/") ? arguments : [program] + arguments
  process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
  process.standardInput = try FileHandle(forReadingFrom: files[0])
  process.standardOutput = try FileHandle(forWritingTo: files[1])
  process.standardError = try FileHandle(forWritingTo: files[2])
  let status: Int32 = try await withCheckedThrowingContinuation { continuation in
    process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
    do { try process.run() } catch { continuation.resume(throwing: error) }
  }
  func text(_ file: URL) throws -> String { String(decoding: try Data(contentsOf: file), as: UTF8.self) }
  return Ran(status: status, output: try text(files[1]), errors: try text(files[2]))
}

struct ScratchFolder: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appending(path: "service-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  func file(_ name: String) -> String { path + "/" + name }
  func remove() { try? FileManager.default.removeItem(atPath: path) }

  func write(_ text: String, to name: String) throws -> String {
    try Data(text.utf8).write(to: URL(fileURLWithPath: file(name)))
    return file(name)
  }

  func read(_ name: String) throws -> String { try String(contentsOfFile: file(name), encoding: .utf8) }
}
