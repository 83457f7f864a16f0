import ArgumentParser
import Enrollment
import Foundation
import KeyVault
import MusterModel

// The enrollment keys of groups, and the keys of boards derived from them.

extension GroupCommand {
  struct Key: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Keys by which boards enroll into a group.",
      subcommands: [Add.self, List.self, Remove.self, Derive.self])

    struct Add: AsyncParsableCommand {
      static let configuration = CommandConfiguration(
        abstract: "Adds a key to a group and writes it to a file, the one time.",
        discussion: "Example: muster group key add pumps --out pumps.key")
      @OptionGroup var connection: Connection
      @Argument(help: "The group's name.") var group: String
      @Option(help: "Where the key is written, in base64, mode 0600.", completion: .file()) var out: String?
      @Option(help: "A key from elsewhere instead: a file with base64 of 16 to 64 bytes.", completion: .file())
      var file: String?

      func run() async throws {
        guard (out == nil) != (file == nil) else {
          throw CommandFailure("expected either --out for a new key, or --file with one from elsewhere", status: 2)
        }
        if let out, FileManager.default.fileExists(atPath: out) {
          throw CommandFailure("expected no file at \(out), found one: keys are never written over")
        }
        let given = try file.map { try keyText($0) }
        let added: IssuedGroupKey = try await connection.withClient {
          try await $0.post("/v1/groups/\(segment(group))/keys", GroupKeyInput(key: given))
        }
        if let out { try writeFile(out, Data((added.key + "\n").utf8), mode: 0o600) }
        print("\(added.group) \(added.record) \(added.check)")
      }
    }

    struct List: AsyncParsableCommand {
      static let configuration = CommandConfiguration(
        abstract: "Lists a group's keys, never their bytes.", discussion: "Example: muster group key list pumps")
      @OptionGroup var connection: Connection
      @OptionGroup var output: Output
      @Argument(help: "The group's name.") var group: String

      func run() async throws {
        var listing = output.listing([
          Column<GroupKeySummary>("key") { $0.record.description }, Column("check") { $0.check },
          Column("added") { $0.added.description },
        ])
        let keys: [GroupKeySummary] = try await connection.withClient {
          try await $0.get("/v1/groups/\(segment(group))/keys")
        }
        for key in keys { try listing.add(key) }
        listing.finish()
      }
    }

    struct Remove: AsyncParsableCommand {
      static let configuration = CommandConfiguration(
        abstract: "Removes a key: no board enrolls by it any more. Devices that did stay.",
        discussion: "Example: muster group key remove pumps key_01k742sg01e40r21r81450p30d")
      @OptionGroup var connection: Connection
      @Argument(help: "The group's name.") var group: String
      @Argument(help: "The key's record ID.") var key: String

      func run() async throws {
        try await connection.withClient { try await $0.delete("/v1/groups/\(segment(group))/keys/\(segment(key))") }
        print("\(key) removed")
      }
    }

    struct Derive: ParsableCommand {
      static let configuration = CommandConfiguration(
        abstract: "Derives the keys of boards from a group's key, offline: registration ID, comma, key in base64.",
        discussion: "Example: muster group key derive --key pumps.key pump-1 pump-2 > boards.csv")
      @Option(help: "The file with the group's key in base64.", completion: .file()) var key: String
      @Argument(help: "The boards' registration IDs.") var registrations: [String]

      func run() throws {
        guard let key = Data(base64Encoded: try keyText(key)).flatMap({ DeviceKey(SecretBytes(copying: $0)) }) else {
          throw CommandFailure("expected base64 of 16 to 64 bytes in \(key), found something else")
        }
        for registration in registrations {
          guard case .success(let id) = HardwareID.parse(.registration, registration) else {
            throw CommandFailure("expected a registration ID, found \(excerpt(registration))", status: 2)
          }
          let derived = key.derived(for: id.value).text.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
          print("\(id.value),\(derived)")
        }
      }
    }
  }
}

private func keyText(_ path: String) throws -> String {
  guard let text = try? String(contentsOfFile: path, encoding: .utf8), text.utf8.count <= 256 else {
    throw CommandFailure("expected a key in base64, found none that can be read at \(path)")
  }
  return text.trimmingCharacters(in: .whitespacesAndNewlines)
}
