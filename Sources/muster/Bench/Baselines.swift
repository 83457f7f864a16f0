import Crypto
import Foundation

/// What the raw operations cost on this machine, in this run; microseconds.
struct Baselines: Encodable, Sendable {
  /// One P-256 signature, by openssl speed.
  let sign: Double
  /// One P-256 verification, by openssl speed.
  let verify: Double
  /// One HMAC-SHA-256 over 64 bytes, by openssl speed.
  let mac: Double
  /// One AES-256-GCM over 64 bytes, by openssl speed, with its key at hand.
  let seal: Double
  /// The median of appending 4,096 bytes to a file and fdatasync.
  let sync: Double

  /// One signature and one verification.
  var unit: Double { sign + verify }

  static func measure(_ plan: BenchPlan) throws -> Baselines {
    note("raw P-256, HMAC, AES-GCM and fdatasync")
    let signatures = try OpenSSLTool.speed("nistp256", seconds: plan.baselineSeconds, ["ecdsap256"]).suffix(2)
    let blocks = try OpenSSLTool.speed(
      "hmac(sha256)", seconds: plan.baselineSeconds, ["-bytes", "64", "-hmac", "sha256"])
    let boxes = try OpenSSLTool.speed(
      "AES-256-GCM", seconds: plan.baselineSeconds, ["-bytes", "64", "-evp", "aes-256-gcm"])
    guard let sign = signatures.first, let verify = signatures.last, signatures.count == 2, let rate = blocks.last,
      let boxed = boxes.last,
      min(sign, verify, rate, boxed) > 0
    else { throw CommandFailure("expected rates from openssl speed, found none") }
    return Baselines(
      sign: 1e6 / sign, verify: 1e6 / verify, mac: 64 / (rate * 1000) * 1e6, seal: 64 / (boxed * 1000) * 1e6,
      sync: try RawFile.temporary { file in try (0..<plan.syncs).map { _ in try file.append(4096) }.sorted() }[
        plan.syncs / 2])
  }
}

/// A file of the temporary folder, where the instances are, too.
struct RawFile {
  private let descriptor: Int32

  static func temporary<Value>(_ body: (RawFile) throws -> Value) throws -> Value {
    let path = FileManager.default.temporaryDirectory.appending(path: "muster-sync-\(UUID().uuidString)").path
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw CommandFailure("expected to write \(path), found no room to") }
    defer {
      close(descriptor)
      unlink(path)
    }
    return try body(RawFile(descriptor: descriptor))
  }

  /// The microseconds that it took to append so many bytes and have them on disk.
  func append(_ count: Int) throws -> Double {
    let bytes = [UInt8](repeating: 0x5a, count: count)
    let clock = ContinuousClock()
    let began = clock.now
    guard write(descriptor, bytes, count) == count, fdatasync(descriptor) == 0 else {
      throw CommandFailure("expected to append to a file, found: \(String(cString: strerror(errno)))")
    }
    return (clock.now - began).seconds * 1e6
  }
}
