import Foundation

/// pkilint (PyPI), the linter of certificates. Its programs are on the PATH, or in `PKILINT`.
package enum PKILint {
  package static let absence = "pkilint is not installed: pip install pkilint, then set PKILINT to its bin"
  package static var isInstalled: Bool { program("lint_pkix_cert") != nil }

  /// The codes of what a program finds in a file from NOTICE on, but for the one that is excused: `spiffe` is no
  /// registered scheme.
  package static func findings(_ name: String, _ arguments: [String], _ file: String) throws -> [String] {
    guard let program = program(name) else { return ["\(name) is not installed"] }
    let ran = try runBlocking(program, ["lint"] + arguments + ["-s", "NOTICE", "-f", "CSV", file])
    let lines = (ran.output + ran.errors).split(whereSeparator: \.isNewline).map(String.init)
    guard lines.first == "node_path,validator,severity,code,message" else { return lines }
    return lines.dropFirst().filter { !($0.contains("pkix.invalid_uri_syntax") && $0.contains("spiffe://")) }
  }

  private static func program(_ name: String) -> String? {
    let environment = ProcessInfo.processInfo.environment
    let folders =
      (environment["PKILINT"].map { [$0] } ?? []) + (environment["PATH"] ?? "").split(separator: ":").map(String.init)
    return folders.map { $0 + "/" + name }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }
}
