import Foundation

/// What the device keeps between runs: a folder of mode 0700, each file whole or not there.
struct StateFolder: Sendable {
  enum File: String, CaseIterable {
    case settings = "settings.json"
    case trust = "trust.pem"
    case privateKey = "private-key.pem"
    /// `TSS2 PRIVATE KEY`: of use to its TPM alone.
    case tpmKey = "tpm-key.pem"
    /// What the key in a token is found by.
    case tokenKey = "token-key.json"
    /// The symmetric keys, where it has some.
    case deviceKeys = "device-keys.json"
    /// Which state of its PIN's file a token refused.
    case refusedPIN = "refused-pin"
    /// The device's, then its issuers'.
    case certificate = "certificate.pem"
  }

  let path: String

  /// Of no file that is read here, and of no answer that is kept.
  static let sizeLimit = 1 << 20

  /// Makes the folder where it is not there.
  static func made(at path: String) throws(DeviceFailure) -> StateFolder {
    let folder = StateFolder(path: path)
    if mkdir(path, 0o700) != 0, errno != EEXIST { throw folder.failure("to make the folder \(path)") }
    try folder.check()
    return folder
  }

  /// One that is there.
  static func existing(at path: String) throws(DeviceFailure) -> StateFolder {
    let folder = StateFolder(path: path)
    try folder.check()
    return folder
  }

  /// Nobody else may look in: there are keys in it.
  private func check() throws(DeviceFailure) {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw DeviceFailure("expected the state folder \(path), found none: enroll first")
    }
    guard status.st_uid == geteuid(), status.st_mode & 0o077 == 0 else {
      throw DeviceFailure("expected the folder \(path) to be yours alone (chmod 700), found it open to others")
    }
  }

  func path(of file: File) -> String { path + "/" + file.rawValue }

  /// nil where it is not there.
  func read(_ file: File) throws(DeviceFailure) -> [UInt8]? { try StateFolder.read(path(of: file)) }

  static func read(_ path: String) throws(DeviceFailure) -> [UInt8]? {
    guard let handle = FileHandle(forReadingAtPath: path) else {
      guard errno == ENOENT else { throw DeviceFailure("expected to read \(path), found: \(reason())") }
      return nil
    }
    guard let data = try? handle.read(upToCount: sizeLimit + 1) ?? Data(), data.count <= sizeLimit else {
      throw DeviceFailure("expected a file of at most \(sizeLimit) bytes at \(path), found another")
    }
    return Array(data)
  }

  /// A key's file, which nobody else may read; nil where it is not there.
  static func readPrivate(_ path: String) throws(DeviceFailure) -> [UInt8]? {
    guard let bytes = try read(path) else { return nil }
    var status = stat()
    guard stat(path, &status) == 0, status.st_uid == geteuid(), status.st_mode & 0o077 == 0 else {
      throw DeviceFailure("expected the key file \(path) to be yours alone (chmod 600), found it open to others")
    }
    return bytes
  }

  func write(_ file: File, _ bytes: [UInt8]) throws(DeviceFailure) { try StateFolder.write(path(of: file), bytes) }

  /// Under a name of its own with mode 0600, synced, renamed, and the folder synced: it is there after a crash, whole.
  static func write(_ path: String, _ bytes: [UInt8]) throws(DeviceFailure) {
    let temporary = unfinished(path)
    unlink(temporary)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw DeviceFailure("expected to write \(path), found: \(reason())") }
    defer { close(descriptor) }
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes {
        Foundation.write(descriptor, $0.baseAddress! + written, bytes.count - written)
      }
      guard count > 0 else { throw DeviceFailure("expected to write \(path), found: \(reason())") }
      written += count
    }
    guard fsync(descriptor) == 0, rename(temporary, path) == 0 else {
      throw DeviceFailure("expected to write \(path), found: \(reason())")
    }
    try sync(URL(fileURLWithPath: path).deletingLastPathComponent().path)
  }

  private static func unfinished(_ path: String) -> String { path + ".new" }

  private static func sync(_ folder: String) throws(DeviceFailure) {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw DeviceFailure("expected the folder \(folder), found: \(reason())") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw DeviceFailure("expected to sync \(folder), found: \(reason())") }
  }

  /// Removes what is the agent's, the certificate first, and the folder where nothing else is in it.
  func remove() throws(DeviceFailure) {
    for file in File.allCases.reversed() {
      guard unlink(path(of: file)) == 0 || errno == ENOENT else { throw failure("to remove \(file.rawValue)") }
    }
    unlink(path + "/lock")
    rmdir(path)
  }

  /// Holds the folder while `body` runs: of two agents at once one waits its turn elsewhere.
  func locked<Value>(_ body: () async throws -> Value) async throws -> Value {
    let descriptor = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure("to lock \(path)") }
    defer { close(descriptor) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      throw DeviceFailure("expected the folder \(path) to be free, found another muster-device at work in it")
    }
    // What a kill left half written.
    for file in File.allCases { unlink(StateFolder.unfinished(self.path(of: file))) }
    return try await body()
  }

  private func failure(_ what: String) -> DeviceFailure {
    DeviceFailure("expected \(what), found: \(StateFolder.reason())")
  }

  private static func reason() -> String { String(cString: strerror(errno)) }
}
