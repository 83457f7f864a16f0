import Foundation
package import MusterModel

/// The file with the PIN of a token or a TPM: its first line. Read each time that it is needed, so that it may be away until
/// then, and be put right while the service runs.
package enum PINFile {
  /// Throws `KeyKeeperFailure` of reason `noPIN`, for a file that everyone can read, too.
  package static func read(_ path: String) throws(KeyKeeperFailure) -> SecretBytes {
    var status = stat()
    guard let file = FileHandle(forReadingAtPath: path), fstat(file.fileDescriptor, &status) == 0 else {
      throw failure("a PIN in \(path), found no file that can be read")
    }
    guard status.st_mode & 0o007 == 0 else {
      throw failure("\(path) to be its owner's alone, found it open to everyone")
    }
    guard let pin = try? SecretBytes.firstLine(of: file) else {
      throw failure("a PIN of 1 to \(SecretBytes.lineLimit) bytes in \(path), found none")
    }
    return pin
  }

  private static func failure(_ expected: String) -> KeyKeeperFailure {
    KeyKeeperFailure(.noPIN, "expected \(expected)")
  }
}
