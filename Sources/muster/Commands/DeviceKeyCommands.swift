import ArgumentParser
import Enrollment
import Foundation
import MusterModel

// The symmetric keys of devices.

extension DeviceCommand {
  struct Rekey: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Makes a device's symmetric keys, or its next primary; writes both to a file, the one time.",
      discussion: """
        Example: muster device rekey pump-7 --out pump-7.keys.json
        The old primary becomes the secondary, so that a device that has not heard yet still proves itself.
        """)
    @OptionGroup var connection: Connection
    @Argument(help: "The device ID.") var id: String
    @Option(help: "Where the keys are written, mode 0600.", completion: .file()) var out: String

    func run() async throws {
      guard !FileManager.default.fileExists(atPath: out) else {
        throw CommandFailure("expected no file at \(out), found one: keys are never written over")
      }
      let keys: IssuedKeys = try await connection.withClient {
        try await $0.post("/v1/devices/\(segment(id))/keys", [String: String]())
      }
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
      try writeFile(out, try encoder.encode(keys) + Data("\n".utf8), mode: 0o600)
      print("\(keys.deviceID) keys \(keys.primary.version) and \(keys.secondary.version) \(out)")
    }
  }

  struct Token: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Makes a token for a device at its hub, and prints it alone.",
      discussion: "Example: muster device token pump-7 --valid 1h")
    @OptionGroup var connection: Connection
    @Argument(help: "The device ID.") var id: String
    @Option(help: "How long it holds: 30m, 1h, 7d.") var valid = Lifetime(seconds: 3600)

    func run() async throws {
      let token: IssuedToken = try await connection.withClient {
        try await $0.post("/v1/devices/\(segment(id))/token", TokenInput(validSeconds: valid.seconds))
      }
      print(token.token)
    }
  }
}
