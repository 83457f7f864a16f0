import Foundation
package import MusterModel

/// The file with the PIN of a token or a TPM: its first line. Read each time that it is needed, so that it may be away until
/// then, and be put right while the service runs.
package enum PINFile {
  private static let limit = 4096

  /// Throws `KeyKeeperFailure` of reason `noPIN`, for a file that everyone can read, too.
  package static func read(_ path: String) throws(KeyKeeperFailure) -> SecretBytes {
    var status = stat()
    guard stat(path, &status) == 0 else { throw failure("a PIN in \(path), found no file that can be read") }
    guard status.st_mode & 0o007 == 0 else {
      throw failure("\(path) to be its owner's alone, found it open to everyone")
    }
    var data = (try? FileHandle(forReadingAtPath: path)?.read(upToCount: limit)) ?? Data()
    defer { data.resetBytes(in: 0..<data.count) }
    let line = data.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
    guard !line.isEmpty else { throw failure("a PIN in \(path), found none") }
    return SecretBytes(copying: line)
  }

  private static func failure(_ expected: String) -> KeyKeeperFailure {
    KeyKeeperFailure(.noPIN, "expected \(expected)")
  }
}
