import Foundation
import MusterTesting
import Testing

@testable import muster

extension ServiceTests {
  /// What keeps keys in memory there.
  @Suite struct MemoryTests {
    private func field(_ name: String, of file: String, _ pid: Int32) throws -> [String] {
      let text = try String(contentsOfFile: "/proc/\(pid)/\(file)", encoding: .utf8)
      let line = try #require(text.split(separator: "\n").first { $0.hasPrefix(name) })
      return line.dropFirst(name.count).split(whereSeparator: \.isWhitespace).map(String.init)
    }

    @Test func `a service dumps no core, and either has its memory locked or says that it has not`() async throws {
      try await ServedInstance.with { instance in
        let pid = instance.service.pid
        #expect(try field("Max core file size", of: "limits", pid).prefix(2) == ["0", "0"])
        let isLocked = try field("VmLck:", of: "status", pid).first != "0"
        let anyone = try instance.client()
        let ready = try await anyone.send(.GET, "/health/ready")
        #expect(ready.status == 200 && ready.text.contains("memory-not-locked") != isLocked, "\(ready.text)")
        await anyone.shutdown()
      }
    }

    @Test(arguments: [
      ("CapEff:\t0000000000004000\n", true), ("Name:\tmuster\nCapEff:\t000001ffffffffff\nCapBnd:\t0\n", true),
      ("CapEff:\t000001ffffffbfff\n", false), ("CapBnd:\t0000000000004000\n", false), ("CapEff:\tx\n", false),
      ("", false),
    ])
    func `who may lock without a limit is told from who may not`(status: String, may: Bool) {
      #expect(ProcessHardening.isCapable(ofLocking: status) == may)
    }
  }
}
