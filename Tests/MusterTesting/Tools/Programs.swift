package import Foundation
import Synchronization

/// What a program of the machine did.
package struct Ran: Sendable {
  package let status: Int32
  package let output: String
  package let errors: String

  package var lines: [String] { output.split(separator: "\n").map(String.init) }
}

/// Runs a program to its end; a name without a slash is looked up in PATH. Suspends meanwhile, so that a service in this
/// process can answer it.
package func run(
  _ program: String, _ arguments: [String], input: [UInt8] = [], environment: [String: String] = [:],
  in folder: URL? = nil
) async throws -> Ran {
  let streams = try Streams(input: input)
  let process = try streams.process(program, arguments, environment, folder)
  let status: Int32 = try await withCheckedThrowingContinuation { continuation in
    process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
    do { try launch(process) } catch { continuation.resume(throwing: error) }
  }
  return try streams.ran(status)
}

/// The same on the caller's thread, for what is short and asks nothing of this process.
package func runBlocking(
  _ program: String, _ arguments: [String], input: [UInt8] = [], in folder: URL? = nil
) throws -> Ran {
  let streams = try Streams(input: input)
  let process = try streams.process(program, arguments, [:], folder)
  try launch(process)
  process.waitUntilExit()
  return try streams.ran(process.terminationStatus)
}

/// Starts what a test holds itself. One at a time, all tests': Foundation's `Process.run()` was seen to fault where many
/// threads were in it.
package func launch(_ process: Process) throws { try starting.withLock { _ in try process.run() } }
private let starting = Mutex(())

/// Files for the three streams: a pipe that nobody reads would stop the program.
private struct Streams {
  private let folder: TemporaryFolder

  init(input: [UInt8]) throws {
    folder = try TemporaryFolder()
    try folder.write(input, "in")
    for name in ["out", "err"] { try folder.write([], name) }
  }

  func process(
    _ program: String, _ arguments: [String], _ environment: [String: String], _ workplace: URL?
  ) throws -> Process {
    let process = Process()
    process.executableURL = URL(filePath: program.contains("/") ? program : "/usr/bin/env")
    process.arguments = program.contains("/") ? arguments : [program] + arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    if let workplace { process.currentDirectoryURL = workplace }
    process.standardInput = try FileHandle(forReadingFrom: folder.url.appending(path: "in"))
    process.standardOutput = try FileHandle(forWritingTo: folder.url.appending(path: "out"))
    process.standardError = try FileHandle(forWritingTo: folder.url.appending(path: "err"))
    return process
  }

  func ran(_ status: Int32) throws -> Ran {
    Ran(
      status: status, output: String(decoding: try folder.read("out"), as: UTF8.self),
      errors: String(decoding: try folder.read("err"), as: UTF8.self))
  }
}
