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
        Example: muster key import journal --kind hmac-sha256 --wrapped journal.wrapped
        The file has a symmetric key's bytes, or a private key in PEM (PKCS #8). It is sealed to the vault before it leaves.
        """)
    @OptionGroup var connection: Connection
    @Argument(help: "The key ring's name.") var name: String
    @Option(help: "aes256-gcm, hmac-sha256, p256, ed25519 or group-enrollment.", transform: ringKind) var kind: RingKind
    @Option(help: "The key's file.", completion: .file()) var file: String?
    @Option(help: "A file with the key wrapped to what muster key import-key printed.", completion: .file())
    var wrapped: String?
    @Option(help: "Of a new key ring: the group whose it is.") var group: String?
    @Flag(help: "Of a new key ring: its keys may leave.") var exportable = false

    func run() async throws {
      try ProcessHardening.apply()
      guard let ring = RecordName(name) else {
        throw CommandFailure("expected a name (\(RecordName.rule)), found \(excerpt(name))", status: 2)
      }
      guard (file == nil) != (wrapped == nil) else {
        throw CommandFailure("expected either --file with a key, or --wrapped with one that is wrapped", status: 2)
      }
      let key = try file.map { try KeyFile.read($0, kind) }
      let wrapped = try wrapped.map { try KeyFile.wrapped($0) }
      var input = KeyRingInput(name: name, kind: kind.rawValue)
      input.group = group
      input.exportable = exportable ? true : nil
      let made: KeyVersionSummary = try await connection.withClient { [input] client in
        guard let key else {
          return try await client.post("/v1/keys/import", KeyImportInput(ring: input, wrapped: wrapped))
        }
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

  struct WrappingKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "import-key",
      abstract: "Prints the vault's RSA public key in PEM, to which a key is wrapped that is to come in.",
      discussion: """
        Example: muster key import-key > vault.pem
        A key of 32 bytes by RSA OAEP with SHA-256, and behind it the key by AES key wrap with padding under that.
        """)
    @OptionGroup var connection: Connection

    func run() async throws {
      let key: WrappingKeyOutput = try await connection.withClient {
        try await $0.post("/v1/import-key", [String: String]())
      }
      guard let der = Data(base64Encoded: key.publicKey) else {
        throw CommandFailure("expected the vault's public key, found something else")
      }
      print(PEM.document("PUBLIC KEY", Array(der)), terminator: "")
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
  static func wrapped(_ path: String) throws -> String {
    guard let file = FileHandle(forReadingAtPath: path),
      let data = try file.read(upToCount: WrappingKey.sizeLimit + 1), data.count <= WrappingKey.sizeLimit
    else {
      throw CommandFailure("expected a wrapped key of at most \(WrappingKey.sizeLimit) bytes in \(path), found none")
    }
    return data.base64EncodedString()
  }

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
        let der = Data(base64Encoded: lines.dropFirst().dropLast().joined()),
        let seed = Ed25519Seed(pkcs8: SecretBytes(copying: der))
      else { throw noKey(path) }
      return seed.bytes
    }
  }

  static func bytes(of key: SecretBytes, _ kind: RingKind) throws -> Data {
    switch kind {
    case .aes256GCM, .hmacSHA256, .groupEnrollment: return key.withUnsafeBytes { Data($0) }
    case .p256:
      return try key.withUnsafeBytes {
        Data((try P256.Signing.PrivateKey(rawRepresentation: $0).pemRepresentation + "\n").utf8)
      }
    case .ed25519:
      guard let seed = Ed25519Seed(key) else {
        throw CommandFailure("expected an Ed25519 key of 32 bytes, found \(key.count)")
      }
      return seed.pkcs8.withUnsafeBytes {
        Data(
          ("-----BEGIN PRIVATE KEY-----\n" + Data($0).base64EncodedString() + "\n-----END PRIVATE KEY-----\n").utf8)
      }
    }
  }

  private static func noKey(_ path: String) -> CommandFailure {
    CommandFailure("expected a private key of that kind in PEM (PKCS #8) in \(path), found something else")
  }
}
