import Foundation
import PKCS11Commands
import TPMCommands
import TPMDevice

/// What an enrollment was begun with, on disk before anyone is asked.
struct Settings: Codable, Equatable {
  /// https://…, without a slash at its end.
  let server: String
  /// Where the TPM is that holds the key; nil for another key.
  let tpm: String?
  /// The token that holds the key, a URI (RFC 7512) without a PIN; nil for another key.
  let pkcs11: String?
  /// Files with the passwords of the TPM's hierarchies, where its owner set some.
  let ownerAuth: String?
  let endorsementAuth: String?
  /// A key file elsewhere than in the state folder.
  let keyFile: String?

  static func read(_ folder: StateFolder) throws(DeviceFailure) -> Settings? {
    guard let bytes = try folder.read(.settings) else { return nil }
    guard let settings = try? JSONDecoder().decode(Settings.self, from: Data(bytes)) else {
      throw DeviceFailure("expected the agent's settings in \(folder.path(of: .settings)), found something else")
    }
    return settings
  }

  /// The token that holds the key; nil for another key.
  func token(_ folder: StateFolder) throws(DeviceFailure) -> DeviceToken? {
    guard let pkcs11 else { return nil }
    do { return DeviceToken(try PKCS11URI(pkcs11), folder) } catch {
      throw DeviceFailure("expected a token's URI in the agent's settings: \(error)")
    }
  }

  /// The TPM that holds the key, and the way into it; nil for another key.
  func keys() throws(DeviceFailure) -> TPMDeviceKeys? {
    guard let tpm else { return nil }
    guard let place = TPMPlace(tpm) else {
      throw DeviceFailure("expected a TPM's place in the agent's settings, found another text")
    }
    return TPMDeviceKeys(
      place, TPMHierarchyPasswords(owner: try password(ownerAuth), endorsement: try password(endorsementAuth)))
  }

  /// Without the newline that an editor leaves at its end.
  private func password(_ file: String?) throws(DeviceFailure) -> [UInt8] {
    guard let file else { return [] }
    guard var bytes = try StateFolder.read(file), bytes.count <= 65 else {
      throw DeviceFailure("expected a password of at most 64 bytes in \(file), found none", status: 2)
    }
    if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
    return bytes
  }

  func write(to folder: StateFolder) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    try folder.write(.settings, Array(try encoder.encode(self)))
  }
}
