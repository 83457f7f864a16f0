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
  let (process, files) = try streams.process(program, arguments, environment, folder)
  defer { close(files) }
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
  let (process, files) = try streams.process(program, arguments, [:], folder)
  defer { close(files) }
  try launch(process)
  process.waitUntilExit()
  return try streams.ran(process.terminationStatus)
}

/// Starts what a test holds itself. One at a time, all tests': `Process.run()` lists the whole process's open files, and reads
/// beyond the list where they are more than some 1,350.
package func launch(_ process: Process) throws { try starting.withLock { _ in try process.run() } }
private let starting = Mutex(())

/// A `Process` outlives its program, and its files with it, unless they are closed.
private func close(_ files: [FileHandle]) { for file in files { try? file.close() } }

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
  ) throws -> (Process, [FileHandle]) {
    let process = Process()
    process.executableURL = URL(filePath: program.contains("/") ? program : "/usr/bin/env")
    process.arguments = program.contains("/") ? arguments : [program] + arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    if let workplace { process.currentDirectoryURL = workplace }
    let files = [
      try FileHandle(forReadingFrom: folder.url.appending(path: "in")),
      try FileHandle(forWritingTo: folder.url.appending(path: "out")),
      try FileHandle(forWritingTo: folder.url.appending(path: "err")),
    ]
    process.standardInput = files[0]
    process.standardOutput = files[1]
    process.standardError = files[2]
    return (process, files)
  }

  func ran(_ status: Int32) throws -> Ran {
    Ran(
      status: status, output: String(decoding: try folder.read("out"), as: UTF8.self),
      errors: String(decoding: try folder.read("err"), as: UTF8.self))
  }
}
