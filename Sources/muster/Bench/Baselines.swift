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
    let (sign, verify) = try p256(plan)
    let blocks = try OpenSSLTool.speed(
      "hmac(sha256)", seconds: plan.baselineSeconds, ["-bytes", "64", "-hmac", "sha256"])
    let boxes = try OpenSSLTool.speed(
      "AES-256-GCM", seconds: plan.baselineSeconds, ["-bytes", "64", "-evp", "aes-256-gcm"])
    guard let rate = blocks.last, let boxed = boxes.last, min(rate, boxed) > 0 else {
      throw CommandFailure("expected rates from openssl speed, found none")
    }
    return Baselines(
      sign: sign, verify: verify, mac: 64 / (rate * 1000) * 1e6, seal: 64 / (boxed * 1000) * 1e6,
      sync: try RawFile.temporary { file in try (0..<plan.syncs).map { _ in try file.append(4096) }.sorted() }[
        plan.syncs / 2])
  }
}

extension Baselines {
  fileprivate static func p256(_ plan: BenchPlan) throws -> (sign: Double, verify: Double) {
    let rates = try OpenSSLTool.speed("nistp256", seconds: plan.baselineSeconds, ["ecdsap256"]).suffix(2)
    guard let sign = rates.first, let verify = rates.last, rates.count == 2, min(sign, verify) > 0 else {
      throw CommandFailure("expected rates from openssl speed, found none")
    }
    return (1e6 / sign, 1e6 / verify)
  }
}

extension BenchStage {
  /// A load, and the mean of a unit right before and a unit right after it: a machine that is shared has another pace a few
  /// seconds later.
  func besideUnits(_ load: () async throws -> Load) async throws -> (Load, unit: Double) {
    let before = try Baselines.p256(plan)
    let load = try await load()
    let after = try Baselines.p256(plan)
    return (load, (before.sign + before.verify + after.sign + after.verify) / 2)
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
