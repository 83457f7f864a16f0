import Foundation
import Testing

@testable import muster

extension ServiceTests {
  /// What strangers may cost the running service.
  @Suite struct StrangerTests {
    /// As an export has it.
    private struct Counted: Decodable {
      struct Body: Decodable {
        let total: Int
        let others: Int
      }
      let kind: String
      let body: Body
    }

    @Test func `what strangers are refused is counted, and written once for all of them`() async throws {
      try await ServedInstance.with { instance in
        let started = ContinuousClock.now
        let before = try await instance.onFolder("ledger", "export").succeeded().split(separator: "\n").count
        let client = try instance.client()
        try await withThrowingTaskGroup(of: Int.self) { group in
          for _ in 0..<500 { group.addTask { try await client.send(.GET, "/v1/devices").status } }
          for try await status in group { #expect(status == 401) }
        }
        let csr = try PeerKey().request(commonName: "pump-7")
        var waits = 0
        for _ in 0..<25 {
          let status = try await client.enroll("pump-7", "0000-0000-0000-0000", csr).status
          #expect(status == 401 || status == 429)
          waits += status == 429 ? 1 : 0
        }
        await client.shutdown()
        #expect(waits > 0)
        await instance.service.end()
        let minutes = Int((ContinuousClock.now - started) / .seconds(60)) + 1
        let after = try await instance.onFolder("ledger", "export").succeeded().split(separator: "\n")
        let counted = after.filter { $0.contains("\"refusals-counted\"") }
          .compactMap { try? JSONDecoder().decode(Counted.self, from: Data($0.utf8)) }
        #expect(counted.map(\.body.total).reduce(0, +) == 525)
        #expect(counted.count <= minutes, "\(counted.count) events in \(minutes) minutes")
        #expect(after.count <= before + 2 * minutes + 8, "\(after.count - before) lines for 525 refusals")
        #expect(!after.contains { $0.contains("127.0.0.1") && $0.contains("refusals-counted") })
        try await instance.start()
        try await instance.expectWholeLedger()
      }
    }
  }
}
