import Foundation

/// The openssl program: what raw cryptography costs here, and forms that the service only reads.
enum OpenSSLTool {
  static func run(_ arguments: [String], input: Data = Data()) throws -> Data {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["openssl"] + arguments
    let (into, out) = (Pipe(), Pipe())
    process.standardInput = into
    process.standardOutput = out
    process.standardError = FileHandle.nullDevice
    try withoutBlockedSignals { try process.run() }
    try into.fileHandleForWriting.write(contentsOf: input)
    try into.fileHandleForWriting.close()
    let data = try out.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw CommandFailure("expected openssl \(arguments.joined(separator: " ")) to end well, found it did not")
    }
    return data
  }

  /// The numbers that end the line of `openssl speed` that holds `name`.
  static func speed(_ name: String, seconds: Int, _ arguments: [String]) throws -> [Double] {
    let text = String(decoding: try run(["speed", "-seconds", String(seconds)] + arguments), as: UTF8.self)
    guard let line = text.split(separator: "\n").last(where: { $0.contains(name) }) else {
      throw CommandFailure("expected openssl speed to measure \(name), found: \(text.suffix(200))")
    }
    return line.split(separator: " ").compactMap { Double($0.hasSuffix("k") ? $0.dropLast() : $0) }
  }

  /// `openssl speed` ends by SIGALRM, which a child of this pool's threads would inherit blocked.
  private static func withoutBlockedSignals(_ body: () throws -> Void) rethrows {
    var none = sigset_t()
    var before = sigset_t()
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    try body()
  }
}
