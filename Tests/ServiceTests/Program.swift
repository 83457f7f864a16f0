import MusterTesting
import Foundation
import Testing

extension Ran {
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
