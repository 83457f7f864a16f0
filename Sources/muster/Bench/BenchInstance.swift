import Foundation
import MusterModel

/// A fresh instance in a folder of its own, which is gone with the run.
struct BenchInstance: Sendable {
  let folder: InstanceFolder

  static func found() async throws -> BenchInstance {
    let path = FileManager.default.temporaryDirectory.appending(path: "muster-bench-\(UUID().uuidString)").path
    guard let domain = TrustDomain("bench.example") else { throw CommandFailure("expected a trust domain") }
    let plan = FoundingPlan(
      organization: nil, trustDomain: domain, hostnames: ["127.0.0.1"], publishURL: "http://127.0.0.1:8080")
    _ = try await Founding(plan: plan, rules: try Rules.shipped(), clock: SystemClock()).found(at: path)
    try allowReadingKeys(in: path)
    return BenchInstance(folder: InstanceFolder(path))
  }

  /// As shipped no hub may.
  private static func allowReadingKeys(in path: String) throws {
    let file = path + "/policies/access.yaml"
    let (right, more) = ("    - hub.verify-tokens\n", "    - hub.read-keys\n")
    try writeFile(file, try readText(file).replacing(right, with: right + more).utf8, mode: 0o644)
  }

  /// Serves it by a process of its own while `body` runs.
  func serving<Value>(_ body: (BenchServer) async throws -> Value) async throws -> Value {
    let server = try BenchServer.start(folder)
    defer { server.stop() }
    return try await body(server)
  }

  func remove() { try? FileManager.default.removeItem(atPath: folder.path) }

  /// Of the database and its log, in bytes.
  var size: Int {
    ["", "-wal"].reduce(0) { sum, suffix in
      let attributes = try? FileManager.default.attributesOfItem(atPath: folder.data.database + suffix)
      return sum + (attributes?[.size] as? Int ?? 0)
    }
  }

  /// Brings the database into the system's memory, as a service that has run for a while has it there.
  func readThrough() throws {
    let file = try FileHandle(forReadingFrom: URL(filePath: folder.data.database))
    defer { try? file.close() }
    while let part = try file.read(upToCount: 1 << 20), !part.isEmpty {}
  }

  /// Makes the system forget what it holds of the database in memory, so that the next start reads from the disk.
  func forgetCached() throws {
    let descriptor = open(folder.data.database, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw CommandFailure("expected a database in \(folder.path), found none") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0, posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED) == 0 else {
      throw CommandFailure("expected the system to forget the database, found: \(String(cString: strerror(errno)))")
    }
  }
}
