import ArgumentParser
import Enrollment
import Foundation
import HTTPService
import Ledger
import Logging
import MusterModel
import Publication
import ServiceLifecycle

struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Serves an instance until SIGTERM.",
    discussion: """
      Example: muster serve --data /var/lib/muster --listen 0.0.0.0:8443 --listen-plain 0.0.0.0:8080
      Prints "muster: serving https://HOST:PORT" once it is ready; logs JSON lines to standard error.
      """)

  @Option(help: "The instance's folder.", completion: .directory) var data: String
  @Option(help: "Where to listen, HOST:PORT; port 0 for a free one.") var listen = "127.0.0.1:8443"
  @Option(help: "Where to serve CRLs, OCSP and health without TLS, HOST:PORT.") var listenPlain: String?
  @Option(help: "trace, debug, info, notice, warning or error.") var logLevel = LogLevel.info

  func run() async throws {
    try ProcessHardening.apply()
    let isMemoryLocked = ProcessHardening.lockMemory()
    let address = try self.address(of: listen, "--listen")
    let plain = try listenPlain.map { try self.address(of: $0, "--listen-plain") }
    var logger = Logger(label: "muster") { _ in JSONLogHandler() }
    logger.logLevel = logLevel.level
    try await OpenInstance.with(data) { opened in
      try await Serving(
        opened: opened, address: address, plain: plain, isMemoryLocked: isMemoryLocked, logger: logger
      ).run()
    }
  }

  /// `HOST:PORT`, the host of IPv6 in brackets.
  private func address(of text: String, _ option: String) throws -> Listening.Address {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
      throw CommandFailure("expected \(option) HOST:PORT, found \(text)", status: 2)
    }
    let host = text[..<colon].trimmingPrefix("[")
    return Listening.Address(host: String(host.hasSuffix("]") ? host.dropLast() : host), port: Int(port))
  }
}

enum LogLevel: String, ExpressibleByArgument, CaseIterable {
  case trace, debug, info, notice, warning, error

  var level: Logger.Level {
    switch self {
    case .trace: .trace
    case .debug: .debug
    case .info: .info
    case .notice: .notice
    case .warning: .warning
    case .error: .error
    }
  }
}
