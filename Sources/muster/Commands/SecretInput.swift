import Foundation
import MusterModel

/// Secrets come from files or standard input, never from arguments.
enum SecretInput {
  /// The first line, without its end.
  static func read(file: String?, what: String) throws -> SecretBytes {
    let handle: FileHandle
    if let file, file != "-" {
      guard let opened = FileHandle(forReadingAtPath: file) else {
        throw CommandFailure("expected the \(what) in \(file), found no file that can be read")
      }
      handle = opened
    } else {
      if isatty(STDIN_FILENO) == 1 { standardError("muster: type the \(what), then Enter") }
      handle = .standardInput
    }
    guard let secret = try SecretBytes.firstLine(of: handle) else {
      throw CommandFailure(
        "expected a \(what) of 1 to \(SecretBytes.lineLimit) bytes, found an empty line or a longer one")
    }
    return secret
  }
}
