import Foundation
import MusterModel

/// The openssl command line as an oracle, in a folder of its own that goes away with it.
final class OpenSSL: Sendable {
  let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "ca-tests-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  func path(_ name: String) -> String { folder.appending(path: name).path }

  func write(_ bytes: [UInt8], _ name: String) throws { try Data(bytes).write(to: folder.appending(path: name)) }
  func write(pem certificates: [[UInt8]], _ name: String) throws {
    try write(Array(certificates.map { pem($0, "CERTIFICATE") }.joined().utf8), name)
  }
  func read(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: folder.appending(path: name))) }

  struct Outcome {
    let status: Int32
    let text: String
  }

  /// Runs openssl in the folder; `text` is what it wrote on both streams.
  @discardableResult
  func run(_ arguments: String...) throws -> Outcome { try run(arguments) }

  /// A request with a new key, as DER.
  func request(
    _ algorithm: [String], _ more: [String] = []
  ) throws -> [UInt8] {
    let arguments =
      ["req", "-new", "-newkey"] + algorithm + ["-nodes", "-keyout", "key.pem", "-subj", "/CN=any"] + more
      + ["-outform", "DER", "-out", "request.der"]
    let outcome = try run(arguments)
    guard outcome.status == 0 else { throw Failure(text: outcome.text) }
    return try read("request.der")
  }

  func run(_ arguments: [String]) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["openssl"] + arguments
    process.currentDirectoryURL = folder
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return Outcome(status: process.terminationStatus, text: String(decoding: data, as: UTF8.self))
  }

  struct Failure: Error { let text: String }
}

func pem(_ der: [UInt8], _ label: String) -> String {
  "-----BEGIN \(label)-----\n"
    + Data(der).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
    + "\n-----END \(label)-----\n"
}
