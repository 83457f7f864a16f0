import ArgumentParser
import Crypto
import Enrollment
import Foundation
import KeyVault
import MusterModel

// How keys come in and go out. They are sealed here to the vault, and by the vault to here.

extension KeyCommand {
  struct Import: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Brings a key from elsewhere: as a new key ring, or as the next version of one that is there.",
      discussion: """
        Example: muster key import journal --kind hmac-sha256 --file journal.key
        The file has a symmetric key's bytes, or a private key in PEM (PKCS #8). It is sealed to the vault before it leaves.
        """)
    @OptionGroup var connection: Connection
    @Argument(help: "The key ring's name.") var name: String
    @Option(help: "aes256-gcm, hmac-sha256, p256, ed25519 or group-enrollment.", transform: ringKind) var kind: RingKind
    @Option(help: "The key's file.", completion: .file()) var file: String
    @Option(help: "Of a new key ring: the group whose it is.") var group: String?
    @Flag(help: "Of a new key ring: its keys may leave.") var exportable = false

    func run() async throws {
      try ProcessHardening.apply()
      guard let ring = RecordName(name) else {
        throw CommandFailure("expected a name (\(RecordName.rule)), found \(excerpt(name))", status: 2)
      }
      let key = try KeyFile.read(file, kind)
      var input = KeyRingInput(name: name, kind: kind.rawValue)
      input.group = group
      input.exportable = exportable ? true : nil
      let made: KeyVersionSummary = try await connection.withClient { [input] client in
        let found: ImportKey = try await client.get("/v1/import-key")
        guard let raw = Data(base64Encoded: found.publicKey) else {
          throw CommandFailure("expected the vault's public key, found something else")
        }
        let vault = try Curve25519.KeyAgreement.PublicKey(rawRepresentation: raw)
        let sealed = try KeyTransfer(key, to: vault, for: .import(ring, kind))
        return try await client.post("/v1/keys/import", KeyImportInput(ring: input, key: sealed))
      }
      print("\(name) version \(made.number) \(made.check)")
    }
  }

  struct Export: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Takes a version's key out of the vault, of a ring that was made exportable, and writes it to a file.",
      discussion: "Example: muster key export journal --version 2 --out journal.key")
    @OptionGroup var connection: Connection
    @Argument(help: "The key ring's name.") var name: String
    @Option(help: "The version's number.") var version: UInt32
    @Option(help: "Where the key is written, mode 0600: its bytes, or PKCS #8 in PEM.", completion: .file())
    var out: String

    func run() async throws {
      try ProcessHardening.apply()
      guard !FileManager.default.fileExists(atPath: out) else {
        throw CommandFailure("expected no file at \(out), found one: keys are never written over")
      }
      let own = Curve25519.KeyAgreement.PrivateKey()
      let input = KeyExportInput(publicKey: own.publicKey.rawRepresentation.base64EncodedString())
      let exported: ExportedKey = try await connection.withClient {
        try await $0.post("/v1/keys/\(segment(name))/versions/\(version)/export", input)
      }
      let key = try exported.key.open(with: own, for: .export(exported.ring, version: version))
      try writeFile(out, try KeyFile.bytes(of: key, exported.kind), mode: 0o600)
      print("\(name) version \(version) \(out)")
    }
  }
}

/// A key as it lies in a file: a symmetric one's bytes, or PKCS #8 in PEM.
private enum KeyFile {
  /// PrivateKeyInfo of id-Ed25519 up to the 32 bytes of the seed (RFC 8410 §7).
  private static let ed25519Prefix: [UInt8] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
  ]

  static func read(_ path: String, _ kind: RingKind) throws -> SecretBytes {
    guard let file = FileHandle(forReadingAtPath: path), var data = try file.read(upToCount: 4097), data.count <= 4096
    else { throw CommandFailure("expected a key of at most 4096 bytes in \(path), found none that can be read") }
    defer { data.resetBytes(in: 0..<data.count) }
    switch kind {
    case .aes256GCM, .hmacSHA256, .groupEnrollment: return SecretBytes(copying: data)
    case .p256:
      guard let key = try? P256.Signing.PrivateKey(pemRepresentation: String(decoding: data, as: UTF8.self)) else {
        throw noKey(path)
      }
      return SecretBytes(copying: key.rawRepresentation)
    case .ed25519:
      let lines = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline)
      guard lines.first == "-----BEGIN PRIVATE KEY-----", lines.last == "-----END PRIVATE KEY-----",
        let der = Data(base64Encoded: lines.dropFirst().dropLast().joined()), der.count == ed25519Prefix.count + 32,
        Array(der.prefix(ed25519Prefix.count)) == ed25519Prefix
      else { throw noKey(path) }
      return SecretBytes(copying: der.suffix(32))
    }
  }

  static func bytes(of key: SecretBytes, _ kind: RingKind) throws -> Data {
    switch kind {
    case .aes256GCM, .hmacSHA256, .groupEnrollment: key.withUnsafeBytes { Data($0) }
    case .p256:
      try key.withUnsafeBytes {
        Data((try P256.Signing.PrivateKey(rawRepresentation: $0).pemRepresentation + "\n").utf8)
      }
    case .ed25519:
      key.withUnsafeBytes {
        Data(
          ("-----BEGIN PRIVATE KEY-----\n" + (Data(ed25519Prefix) + Data($0)).base64EncodedString()
            + "\n-----END PRIVATE KEY-----\n").utf8)
      }
    }
  }

  private static func noKey(_ path: String) -> CommandFailure {
    CommandFailure("expected a private key of that kind in PEM (PKCS #8) in \(path), found something else")
  }
}
