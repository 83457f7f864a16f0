import Enrollment
import Foundation
import MusterModel
import MusterTesting
import Testing

@testable import muster

extension ServiceTests {
  /// The disk of the data folder becomes full while it is served, on a file system of its own.
  @Suite(.enabled(if: geteuid() == 0, "mounting a file system takes root")) struct DiskFullTests {
    @Test func `on a full disk everything is refused and nothing answered is lost, and with room it goes on`()
      async throws
    {
      let folder = try ScratchFolder()
      defer { folder.remove() }
      try await ServedInstance.found(in: folder)
      let disk = folder.file("disk")
      try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
      let mount =
        "mount -t tmpfs -o size=16m,mode=0700 tmpfs '\(disk)' && cp -a '\(folder.file("data"))' '\(disk)/data' && exec \"$0\" \"$@\""
      let service = try await ServiceProcess(
        data: disk + "/data", log: folder.file("log"), through: ["unshare", "-m", "sh", "-c", mount])
      do {
        try await story(service, folder, seen: "/proc/\(service.pid)/root\(disk)")
      } catch {
        await service.end(SIGKILL)
        throw error
      }
      #expect(await service.end() == 0, "\((try? folder.read("log").suffix(2000)) ?? "")")
    }

    /// `seen` is the disk as it is seen from outside of the service's namespace.
    private func story(_ service: ServiceProcess, _ folder: ScratchFolder, seen disk: String) async throws {
      let client = try TestClient(
        server: service.server, root: folder.file("data/trust/root.pem"),
        identity: folder.file("data/operators/admin.pem"))
      var answered: [String] = []
      try fill(disk)
      while let hardware = try await allow(answered.count, client) { answered.append(hardware) }
      #expect(answered.count < 20_000)
      for number in 0..<20 { #expect(try await allow(100_000 + number, client) == nil, "refused, and refused again") }
      try await expectKept(answered, client)
      let ready = try await client.send(.GET, "/health/ready")
      #expect(ready.status == 503 && ready.text.contains("disk-full"), "\(ready.text)")

      try FileManager.default.removeItem(atPath: disk + "/filler")
      for number in 0..<20 { answered.append(try #require(try await allow(200_000 + number, client))) }
      try await expectKept(answered, client)
      #expect(try await client.send(.GET, "/health/ready").status == 200)
      await client.shutdown()
      // SQLite resolves the way through /proc, which leads elsewhere: it is given a copy.
      let copy = folder.file("copy")
      #expect(try await run("cp", ["-a", disk + "/data", copy]).status == 0)
      let verified = try await Program.muster(["ledger", "verify", "--data", copy])
      #expect(verified.status == 0, "\(verified.errors)")
      let replayed = try await Program.muster(["ledger", "replay", "--check", "--data", copy])
      #expect(replayed.status == 0, "\(replayed.errors)")
    }

    /// Leaves a quarter of a MiB.
    private func fill(_ disk: String) throws {
      _ = FileManager.default.createFile(atPath: disk + "/filler", contents: nil)
      let filler = try FileHandle(forWritingTo: URL(fileURLWithPath: disk + "/filler"))
      let free = try FileManager.default.attributesOfFileSystem(forPath: disk)[.systemFreeSize] as? NSNumber
      let size = try #require(free?.intValue) - 256 * 1024
      try filler.write(contentsOf: Data(count: size))
      try filler.close()
    }

    /// What was answered; nil where it was refused as it should be.
    private func allow(_ number: Int, _ client: TestClient) async throws -> String? {
      let hardware = "cpu-serial:board-\(number)"
      let answer = try await client.json(
        .POST, "/v1/hardware/allow", HardwareInput(hardware: hardware, group: nil, reason: nil))
      guard answer.status != 200 else { return hardware }
      #expect(answer.status == 503 && answer.code == "disk-full", "\(answer.status) \(answer.text)")
      return nil
    }

    /// The answered are there, and nothing else.
    private func expectKept(_ answered: [String], _ client: TestClient) async throws {
      var listed: [String] = []
      var after: String?
      repeat {
        let answer = try await client.send(.GET, "/v1/hardware?limit=1000" + (after.map { "&after=\($0)" } ?? ""))
        #expect(answer.status == 200, "reading needs no room")
        let page = try JSONDecoder().decode(Page<HardwareSummary>.self, from: Data(answer.body))
        listed += page.rows.compactMap(\.hardware?.description)
        after = page.next
      } while after != nil
      #expect(listed == answered)
    }
  }
}
