import Foundation

/// What an enrollment was begun with, on disk before anyone is asked.
struct Settings: Codable, Equatable {
  /// https://…, without a slash at its end.
  let server: String
  /// Where the TPM is that holds the key; nil for a key file.
  let tpm: String?
  /// A key file elsewhere than in the state folder.
  let keyFile: String?

  static func read(_ folder: StateFolder) throws(DeviceFailure) -> Settings? {
    guard let bytes = try folder.read(.settings) else { return nil }
    guard let settings = try? JSONDecoder().decode(Settings.self, from: Data(bytes)) else {
      throw DeviceFailure("expected the agent's settings in \(folder.path(of: .settings)), found something else")
    }
    return settings
  }

  func write(to folder: StateFolder) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    try folder.write(.settings, Array(try encoder.encode(self)))
  }
}
