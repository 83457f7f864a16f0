import Crypto
import Foundation
import ServiceAnswers

/// The device's symmetric keys, as `device-keys.json` has them: the one that it signs tokens with, and one beside it that the
/// service may know it by.
struct SymmetricKeys: Equatable {
  struct Version: Equatable {
    let number: UInt32
    let key: SymmetricKey
  }

  let primary: Version
  let secondary: Version?

  init(primary: Version, secondary: Version?) {
    self.primary = primary
    self.secondary = secondary
  }

  init(_ answer: EnrolledAnswer.Keys) {
    self.init(primary: Version(answer.primary), secondary: Version(answer.secondary))
  }

  /// As a station's bundle has it too (`Docs/factory.md`); in base64.
  private struct Text: Codable {
    let primary: Data
    let primaryVersion: UInt32
    let secondary: Data?
    let secondaryVersion: UInt32?
  }

  /// nil where there are none.
  static func read(_ folder: StateFolder) throws(DeviceFailure) -> SymmetricKeys? {
    let path = folder.path(of: .deviceKeys)
    guard let bytes = try StateFolder.readPrivate(path) else { return nil }
    guard let text = try? JSONDecoder().decode(Text.self, from: Data(bytes)) else {
      throw DeviceFailure("expected the device's symmetric keys in \(path), found something else")
    }
    let secondary = text.secondaryVersion.flatMap { number in
      text.secondary.map { Version(number: number, key: SymmetricKey(data: $0)) }
    }
    return SymmetricKeys(
      primary: Version(number: text.primaryVersion, key: SymmetricKey(data: text.primary)), secondary: secondary)
  }

  func write(to folder: StateFolder) throws {
    let text = Text(
      primary: primary.bytes, primaryVersion: primary.number, secondary: secondary?.bytes,
      secondaryVersion: secondary?.number)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    try folder.write(.deviceKeys, Array(try encoder.encode(text)))
  }
}

extension SymmetricKeys.Version {
  init(_ answer: DeviceKeyAnswer) { self.init(number: answer.version, key: answer.key) }

  fileprivate var bytes: Data { key.withUnsafeBytes { Data($0) } }

  /// `SharedAccessSignature sr=…&sig=…&se=…`: HMAC-SHA-256 over the resource, a newline, and the end in seconds since 1970.
  func token(for resource: String, until end: Date) -> String {
    let (resource, end) = (percentEncoded(resource), String(Int64(end.timeIntervalSince1970)))
    let code = Data(HMAC<SHA256>.authenticationCode(for: Array("\(resource)\n\(end)".utf8), using: key))
    return "SharedAccessSignature sr=\(resource)&sig=\(percentEncoded(code.base64EncodedString()))&se=\(end)"
  }

  /// RFC 3986 §2.3 leaves these as they are.
  private func percentEncoded(_ text: String) -> String {
    let unreserved = CharacterSet(charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
    return text.addingPercentEncoding(withAllowedCharacters: unreserved) ?? ""
  }
}
