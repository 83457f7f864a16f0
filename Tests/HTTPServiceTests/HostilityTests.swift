import MusterTesting
import Foundation
import HTTPTypes
import NIOCore
import NIOSSL
import Synchronization
import Testing

@testable import HTTPService

/// Limits made short enough to be met, with a change of the test's own.
private func limits(_ change: (inout ConnectionLimits) -> Void) -> ConnectionLimits {
  var limits = ConnectionLimits()
  change(&limits)
  return limits
}

extension RunningService {
  func clientContext(protocols: [String] = []) throws -> NIOSSLContext {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.applicationProtocols = protocols
    configuration.trustRoots = .file(pki.path("root.pem"))
    return try NIOSSLContext(configuration: configuration)
  }
}

@Suite(.timeLimit(.minutes(20))) struct HostilityTests {
  @Test func `headers that never end are cut off`() async throws {
    try await serving(limits: limits { $0.head = .milliseconds(300) }) { service in
      let client = try await RawClient(port: service.plainPort)
      await client.send("GET /public.txt HT")
      #expect(try await client.untilClosed() == "")
    }
  }

  /// Some begin with the last bytes of the one before, which is how a parser is handed them.
  @Test(arguments: [
    ("GET /public.txt HTTP/1.1\r\nHost: x\r\n\r\n", ""), ("GET /public.txt HTTP/1.1\r\nHost: x\r\n\r\n", "GET /"),
    ("POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\npublic", "GET /"),
    ("POST /count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n6\r\npublic\r\n0\r\n\r\n", "GET /"),
  ])
  func `so are those of a later request on a kept connection, however slowly they come`(
    first: String, rest: String
  ) async throws {
    // A machine that is too busy to send even the first request within the time gets a longer one.
    for seconds in [1, 4, 16, 64] as [Int64] {
      if try await isCutOff(head: .seconds(seconds), first, rest) { return }
    }
    Issue.record("no first request was answered")
  }

  /// Whether a request that begins with `rest` in one piece with the first, and then comes byte by byte or, where it has
  /// begun, no more at all, is cut off by its head's time: no other limit can be what ended it. false where the first one
  /// did not come in time.
  private func isCutOff(head: TimeAmount, _ first: String, _ rest: String) async throws -> Bool {
    let isAnswered = Mutex(false)
    try await serving(
      limits: limits {
        $0.head = head
        $0.idle = .hours(1)
      }, plainly: true
    ) { service in
      let client = try await RawClient(port: service.plainPort)
      await client.send(first + rest)
      let ending = first.hasPrefix("GET") ? "public" : "\r\n\r\n6"
      let answer = try await client.until(ending)
      guard answer.hasSuffix(ending) else { return }
      isAnswered.withLock { $0 = true }
      guard rest.isEmpty else {
        #expect(try await client.untilClosed() == answer)
        return
      }
      await client.send("GET /")
      while client.isOpen {
        // One byte for each request that is answered to somebody else.
        let other = try await RawClient(port: service.plainPort)
        await other.send("GET /public.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        _ = try await other.untilClosed()
        await client.send("p")
      }
      #expect(try await client.text() == answer)
    }
    return isAnswered.withLock { $0 }
  }

  @Test func `a handshake that never begins is cut off`() async throws {
    try await serving(limits: limits { $0.handshake = .milliseconds(300) }) { service in
      let client = try await RawClient(port: service.port)
      #expect(try await client.untilClosed() == "")
    }
  }

  @Test func `an idle connection is closed`() async throws {
    try await serving(limits: limits { $0.idle = .seconds(1) }) { service in
      let client = try await RawClient(port: service.plainPort)
      await client.send("GET /public.txt HTTP/1.1\r\nHost: x\r\n\r\n")
      #expect(try await client.untilClosed().hasPrefix("HTTP/1.1 200"))
    }
  }

  @Test func `a body that never ends is cut off`() async throws {
    try await serving(limits: limits { $0.transfer = .milliseconds(300) }, plainly: true) { service in
      let client = try await RawClient(port: service.plainPort)
      await client.send("POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")
      #expect(try await client.untilClosed() == "")
    }
  }

  @Test(arguments: [
    (0..<200).map { "X-\($0): y\r\n" }.joined(), "X: " + String(repeating: "y", count: 20_000) + "\r\n",
    (0..<4).map { "X-\($0): " + String(repeating: "y", count: 12_000) + "\r\n" }.joined(), "X y\r\n",
    "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Content-Length: 5\r\nContent-Length: 6\r\n",
    "Transfer-Encoding: chunked, identity\r\n", " X: folded\r\n",
  ])
  func `headers past their bounds or ambiguous are refused, and the connection closed`(headers: String) async throws {
    try await serving { service in
      let client = try await RawClient(port: service.plainPort)
      await client.send("GET /public.txt HTTP/1.1\r\nHost: x\r\n\(headers)\r\n")
      #expect(try await client.untilClosed().hasPrefix("HTTP/1.1 400"))
    }
  }

  @Test func `one address has so many connections and no more, and others are given back`() async throws {
    try await serving(limits: limits { $0.perNetwork = 2 }) { service in
      let first = try await RawClient(port: service.plainPort)
      let second = try await RawClient(port: service.plainPort)
      for client in [first, second] {
        await client.send("GET /public.txt HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(try await client.until("public").hasPrefix("HTTP/1.1 200"))
      }
      #expect(try await RawClient(port: service.plainPort).untilClosed() == "")
      await second.send("GET /public.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
      _ = try await second.untilClosed()
      var answer = ""
      while answer.isEmpty {
        let third = try await RawClient(port: service.plainPort)
        await third.send("GET /public.txt HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = try await third.until("public")
      }
      #expect(answer.hasPrefix("HTTP/1.1 200"))
      await first.close()
    }
  }

  @Test func `256 connections from one address stand at once, each with TLS`() async throws {
    // What is counted here is connections: a busy machine may take its time over 256 handshakes.
    let patient = limits {
      for limit in [\ConnectionLimits.handshake, \.head, \.idle] { $0[keyPath: limit] = .minutes(5) }
    }
    try await serving(limits: patient) { service in
      let context = try service.clientContext()
      let clients = try await withThrowingTaskGroup(of: RawClient.self) { group in
        for _ in 0..<256 { group.addTask { try await RawClient(port: service.port, tls: context) } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      for path in ["/health/live", "/public.txt"] {
        for client in clients { await client.send("GET \(path) HTTP/1.1\r\nHost: x\r\n\r\n") }
        for client in clients {
          #expect(try await client.until(path == "/public.txt" ? "public" : "live\n").hasPrefix("HTTP/1.1 200"))
        }
      }
      for client in clients { await client.close() }
    }
  }

  @Test(arguments: ["--http1.1", "--http2"], [2_000, 100_000, 5_000_000])
  func `a body that is too big is answered 413, and the answer is seen`(flag: String, size: Int) async throws {
    try await serving { service in
      let file = FileManager.default.temporaryDirectory.appending(path: "body-\(UUID().uuidString)")
      try Data(repeating: 0x41, count: size).write(to: file)
      defer { try? FileManager.default.removeItem(at: file) }
      for extra in [[], ["-H", "Transfer-Encoding: chunked"]] where extra.isEmpty || flag == "--http1.1" {
        let answer = try await service.curl(
          "/count", [flag, "-H", "Expect:", "--data-binary", "@\(file.path)"] + extra)
        #expect(answer.output.contains("\"code\":\"body-too-large\""), "\(answer.output) \(answer.errors)")
        #expect(answer.output.hasSuffix("\n413"), "\(answer.errors)")
      }
    }
  }

  @Test func `what nobody wants is read within its time`() async throws {
    try await serving(limits: limits { $0.unwanted = .milliseconds(300) }, plainly: true) { service in
      let client = try await RawClient(port: service.plainPort)
      await client.send("POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n")
      let answer = try await client.untilClosed()
      #expect(answer.hasPrefix("HTTP/1.1 413") && answer.contains("Connection: close"), "\(answer)")
    }
  }

  @Test func `and within its size`() async throws {
    try await serving(limits: limits { $0.unwanted = .hours(1) }, plainly: true) { service in
      let client = try await RawClient(port: service.plainPort)
      await client.send("POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")
      let sending = Task {
        while !Task.isCancelled { await client.send(String(repeating: "x", count: 65_536)) }
      }
      #expect(try await client.untilClosed().hasPrefix("HTTP/1.1 413"))
      sending.cancel()
    }
  }

  @Test func `pipelined requests are answered in order`() async throws {
    try await serving { service in
      let client = try await RawClient(port: service.plainPort)
      await client.send(
        String(repeating: "GET /public.txt HTTP/1.1\r\nHost: x\r\n\r\n", count: 50)
          + "GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
      let answers = try await client.untilClosed()
      #expect(answers.components(separatedBy: "HTTP/1.1 200").count == 51)
      #expect(answers.components(separatedBy: "HTTP/1.1 404").count == 2)
    }
  }

  @Test(arguments: ["--http1.1", "--http2"])
  func `SIGTERM lets what is in flight finish, and refuses what is new`(flag: String) async throws {
    let held = HeldRoute()
    try await serving([held.route()], limits: limits { $0.drain = .minutes(1) }) { service in
      async let answer = service.curl("/slow", [flag])
      await held.isAsked()
      await service.end()
      var refused: Ran
      repeat { refused = try await service.curl("/health/live") } while refused.status == 0
      held.letGo()
      let ran = try await answer
      #expect(ran.output == "finished\n200", "\(ran.errors)")
    }
  }

  @Test func `a service that ends while connections come ends cleanly`() async throws {
    try await serving { service in
      let tls = try service.clientContext()
      await withTaskGroup { group in
        for index in 0..<100 {
          group.addTask {
            let isSecure = index.isMultiple(of: 2)
            let client = try? await RawClient(
              port: isSecure ? service.port : service.plainPort, tls: isSecure ? tls : nil)
            await client?.send("GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            _ = try? await client?.untilClosed()
          }
          if index == 30 { group.addTask { await service.end() } }
        }
      }
    }
  }
}
