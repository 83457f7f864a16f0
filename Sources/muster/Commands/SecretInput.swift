import Foundation
import MusterModel

/// Secrets come from files or standard input, never from arguments.
enum SecretInput {
  static let limit = 4096

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
    var data = try handle.read(upToCount: limit) ?? Data()
    defer { data.resetBytes(in: 0..<data.count) }
    let line = data.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
    guard !line.isEmpty else { throw CommandFailure("expected a \(what), found an empty line") }
    return SecretBytes(copying: line)
  }
}
