package import Foundation

/// Project Wycheproof's test vectors, which lie beside the project, in `../shared/vectors/wycheproof`.
package enum Wycheproof {
  package struct Group: Decodable, Sendable {
    package let publicKeyDer, privateKeyPkcs8: String?
    package let tests: [Vector]
  }

  /// Bytes are in hexadecimal.
  package struct Vector: Decodable, Sendable {
    package let tcId: Int
    /// valid, invalid, or acceptable: then either is right.
    package let result: String
    package let msg, sig: String?
    package let label: String?
    package let ikm, salt, info, okm, key, iv, aad, ct, tag: String?
    package let size: Int?
    /// SubjectPublicKeyInfo, private scalar, shared secret.
    package let `public`, `private`, shared: String?
  }

  private struct File: Decodable { let testGroups: [Group] }

  package static let folder = Project.root.deletingLastPathComponent().appending(path: "shared/vectors/wycheproof")
  package static let isThere = FileManager.default.fileExists(atPath: folder.path)

  package static func groups(_ name: String) throws -> [Group] {
    try JSONDecoder().decode(File.self, from: Data(contentsOf: folder.appending(path: name + ".json"))).testGroups
  }

  package static func vectors(_ name: String) throws -> [Vector] { try groups(name).flatMap(\.tests) }
}
