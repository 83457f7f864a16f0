import ArgumentParser
import Foundation
import MusterModel

struct BenchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measures enrollment by EST on a fresh instance of its own, beside raw cryptography in the same run.",
    discussion: """
      Example: muster bench --enrollments 8000 --connections 16
      One unit is one P-256 signature and one verification by openssl speed, on this machine, in this run.
      """)

  @Option(help: "How many devices enroll.") var enrollments = 4000
  @Option(help: "How many connections are kept open.") var connections = 16
  @OptionGroup var output: Output

  func validate() throws {
    guard (1...1_000_000).contains(enrollments), (1...1024).contains(connections) else {
      throw ValidationError("expected 1 to 1000000 enrollments over 1 to 1024 connections")
    }
  }

  func run() async throws {
    let unit = try SignatureUnit.measure()
    let server = try await BenchServer.start()
    do {
      let bench = EnrollmentBench(server: server, count: enrollments, connections: connections)
      let result = try await bench.run(unit: unit)
      try output.result(result, lines: result.lines)
    } catch {
      server.stop()
      throw error
    }
    server.stop()
  }
}

/// What a run came to.
struct BenchResult: Encodable {
  let enrollments: Int
  let connections: Int
  let perSecond: Double
  let cpuMicroseconds: Double
  let unitMicroseconds: Double
  /// Server CPU per enrollment, in units.
  let units: Double
  let p50Milliseconds: Double
  let p99Milliseconds: Double
  let coldStartMilliseconds: Double
  let idleMegabytes: Double
  let peakMegabytes: Double

  var lines: [(String, String?)] {
    [
      ("enrollments", "\(enrollments) over \(connections) connections"),
      ("rate", String(format: "%.0f a second, load and service on the same cores", perSecond)),
      ("server CPU", String(format: "%.0f µs each: %.2f units of %.1f µs", cpuMicroseconds, units, unitMicroseconds)),
      ("latency", String(format: "p50 %.1f ms, p99 %.1f ms", p50Milliseconds, p99Milliseconds)),
      ("cold start", String(format: "%.0f ms to ready", coldStartMilliseconds)),
      ("memory", String(format: "%.0f MB idle, %.0f MB after the run", idleMegabytes, peakMegabytes)),
    ]
  }
}

/// One P-256 signature and one verification, by `openssl speed`.
struct SignatureUnit {
  let microseconds: Double

  static func measure() throws -> SignatureUnit {
    let text = try run("openssl", ["speed", "-seconds", "2", "ecdsap256"])
    // 256 bits ecdsa (nistp256)   0.0000s   0.0001s  41210.0  13990.0
    guard let line = text.split(separator: "\n").first(where: { $0.contains("nistp256") }) else {
      throw CommandFailure("expected openssl speed to measure ecdsap256, found: \(text.suffix(200))")
    }
    let numbers = line.split(separator: " ").suffix(2).compactMap { Double($0) }
    guard numbers.count == 2, numbers[0] > 0, numbers[1] > 0 else {
      throw CommandFailure("expected two rates from openssl speed, found: \(line)")
    }
    return SignatureUnit(microseconds: 1e6 / numbers[0] + 1e6 / numbers[1])
  }

  private static func run(_ tool: String, _ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [tool] + arguments
    let out = Pipe()
    process.standardOutput = out
    process.standardError = FileHandle.nullDevice
    try withoutBlockedSignals { try process.run() }
    let data = try out.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self)
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
