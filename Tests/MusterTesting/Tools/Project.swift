package import Foundation

/// The project's own files, as tests load them.
package enum Project {
  package static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// The shipped profiles, by name.
  package static func profiles() throws -> [(name: String, text: String)] {
    try files("PKI/profiles").map { ($0.name, String(decoding: $0.bytes, as: UTF8.self)) }
  }

  /// The shipped policies, by name.
  package static func policies() throws -> [(name: String, bytes: [UInt8])] { try files("Policies") }

  private static func files(_ folder: String) throws -> [(name: String, bytes: [UInt8])] {
    try FileManager.default.contentsOfDirectory(at: root.appending(path: folder), includingPropertiesForKeys: nil)
      .filter { $0.pathExtension == "yaml" }
      .map { ($0.lastPathComponent, [UInt8](try Data(contentsOf: $0))) }
      .sorted { $0.name < $1.name }
  }
}
