import Foundation

/// The openssl command line as an oracle, in a folder of its own that goes away with it.
package final class OpenSSL: Sendable {
  private let folder: TemporaryFolder

  package init() throws { folder = try TemporaryFolder() }

  package func path(_ name: String) -> String { folder.path(name) }
  package func write(_ bytes: [UInt8], _ name: String) throws { try folder.write(bytes, name) }
  package func write(pem certificates: [[UInt8]], _ name: String) throws {
    try write(Array(certificates.map { pem($0, "CERTIFICATE") }.joined().utf8), name)
  }
  package func read(_ name: String) throws -> [UInt8] { try folder.read(name) }

  package struct Outcome: Sendable {
    package let status: Int32
    /// What it wrote on both streams, standard output first.
    package let text: String
  }

  package struct Failure: Error, CustomStringConvertible {
    package let description: String
  }

  /// Runs openssl in the folder.
  @discardableResult
  package func run(_ arguments: String...) throws -> Outcome { try run(arguments) }

  @discardableResult
  package func run(_ arguments: [String]) throws -> Outcome {
    let ran = try runBlocking("openssl", arguments, in: folder.url)
    return Outcome(status: ran.status, text: ran.output + ran.errors)
  }

  /// What must go well, written as on a command line: no word has a blank in it.
  @discardableResult
  package func succeed(_ line: String) throws -> Outcome {
    let outcome = try run(line.split(separator: " ").map(String.init))
    guard outcome.status == 0 else { throw Failure(description: "openssl \(line): \(outcome.text)") }
    return outcome
  }

  /// A request with a new key, as DER.
  package func request(_ algorithm: [String], _ more: [String] = []) throws -> [UInt8] {
    let arguments =
      ["req", "-new", "-newkey"] + algorithm + ["-nodes", "-keyout", "key.pem", "-subj", "/CN=any"] + more
      + ["-outform", "DER", "-out", "request.der"]
    let outcome = try run(arguments)
    guard outcome.status == 0 else { throw Failure(description: outcome.text) }
    return try read("request.der")
  }
}

/// RFC 7468.
package func pem(_ der: [UInt8], _ label: String) -> String {
  "-----BEGIN \(label)-----\n"
    + Data(der).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
    + "\n-----END \(label)-----\n"
}
