import Foundation
import MusterModel
import SQLiteStore

/// Where an instance's folder holds what, and how it is written: whole or not at all, and secret where it must be.
struct InstanceFolder: Sendable {
  let path: String

  init(_ path: String) { self.path = path.hasSuffix("/") ? String(path.dropLast()) : path }

  var data: DataFolder { DataFolder(path) }
  var exists: Bool { FileManager.default.fileExists(atPath: data.database) }

  enum File: String {
    case root = "trust/root.pem"
    case chain = "trust/chain.pem"
    case ledgerVerifier = "trust/ledger.vkey"
    case administrator = "operators/admin.pem"
    case serverCredential = "service/tls.pem"
    case ledgerKey = "service/ledger.key"
    /// The file slot's key: a vault that unseals itself.
    case vaultKey = "service/vault.key"
    /// Which token, behind which module: a URI (RFC 7512).
    case pkcs11 = "service/pkcs11"
    /// Where the TPM is, and in a second line its PIN's file where there is one.
    case tpm = "service/tpm"
    case offlineRoot = "offline/root-key.sealed"
    case blockedKeys = "profiles/blocked-keys.txt"
    /// Not in a folder that an older Muster made: there the program's own stands.
    case weakFirmware = "profiles/weak-firmware.txt"
  }

  static let folders: [(name: String, mode: Int)] = [
    ("profiles", 0o755), ("policies", 0o755), ("trust", 0o755), ("operators", 0o700), ("service", 0o700),
    ("offline", 0o700),
  ]

  func path(of file: File) -> String { path + "/" + file.rawValue }

  func read(_ file: File) throws -> [UInt8] {
    guard let data = FileManager.default.contents(atPath: path(of: file)) else {
      throw CommandFailure("expected \(path(of: file)), found no file that can be read")
    }
    return [UInt8](data)
  }

  func readSecret(_ file: File) throws -> SecretBytes {
    var bytes = try read(file)
    defer { for index in bytes.indices { bytes[index] = 0 } }
    return SecretBytes(copying: bytes)
  }

  func has(_ file: File) -> Bool { FileManager.default.fileExists(atPath: path(of: file)) }

  func readIfThere(_ file: File) -> [UInt8]? {
    FileManager.default.contents(atPath: path(of: file)).map { [UInt8]($0) }
  }

  /// The files of one of its folders, by name.
  func files(in folder: String, suffix: String) throws -> [(name: String, bytes: [UInt8])] {
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: path + "/" + folder)
    } catch {
      throw CommandFailure("expected the folder \(path)/\(folder), found none that can be read")
    }
    return try names.filter { $0.hasSuffix(suffix) }.sorted().map { name in
      guard let data = FileManager.default.contents(atPath: "\(path)/\(folder)/\(name)") else {
        throw CommandFailure("expected \(path)/\(folder)/\(name), found no file that can be read")
      }
      return (name, [UInt8](data))
    }
  }

  func write(_ file: File, _ bytes: some Collection<UInt8>, isSecret: Bool = false) throws {
    try writeFile(path(of: file), bytes, mode: isSecret ? 0o600 : 0o644)
  }
}

/// Writes a file so that a reader, and a crash, finds it whole or finds the one before: to a name of its own with its
/// mode from the start, synced, renamed, and the folder synced.
func writeFile(_ path: String, _ bytes: some Collection<UInt8>, mode: mode_t) throws {
  let temporary = "\(path).\(getpid()).new"
  func failure() -> CommandFailure {
    CommandFailure("expected to write \(path), found: \(String(cString: strerror(errno)))")
  }
  let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
  guard descriptor >= 0 else { throw failure() }
  defer { close(descriptor) }
  let content = Array(bytes)
  var written = 0
  while written < content.count {
    let count = content.withUnsafeBytes {
      Foundation.write(descriptor, $0.baseAddress! + written, content.count - written)
    }
    guard count > 0 else { throw failure() }
    written += count
  }
  guard fchmod(descriptor, mode) == 0, fsync(descriptor) == 0, rename(temporary, path) == 0 else { throw failure() }
  try syncFolder(URL(fileURLWithPath: path).deletingLastPathComponent().path)
}

/// A name is on disk once its folder is.
func syncFolder(_ path: String) throws {
  let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  guard descriptor >= 0 else { throw CommandFailure("expected the folder \(path), found none") }
  defer { close(descriptor) }
  guard fsync(descriptor) == 0 else {
    throw CommandFailure("expected to sync \(path), found: \(String(cString: strerror(errno)))")
  }
}
