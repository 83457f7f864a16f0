import Foundation

/// Where the result goes, and nothing else.
enum StandardOutput {
  /// false once it is a pipe whose other end was closed.
  static var isRead: Bool {
    var stream = pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)
    return poll(&stream, 1, 0) <= 0 || stream.revents & Int16(POLLERR) == 0
  }

  /// At once. Throws where nobody reads.
  static func write(_ line: some Sequence<UInt8>) throws {
    var data = Data(line)
    defer { data.resetBytes(in: 0..<data.count) }
    data.append(UInt8(ascii: "\n"))
    do {
      try FileHandle.standardOutput.write(contentsOf: data)
    } catch {
      throw CommandFailure("expected standard output to be read, found it closed")
    }
  }
}
