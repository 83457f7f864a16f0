import Enrollment
import Foundation
import HTTPService

/// The CRLs of both issuing CAs, the full ones and the shards, are built from the store, signed, committed and offered.
struct ListBuild: Measurement {
  let name = "crl-build"
  let title = "build of all CRLs"

  func figure(on stage: BenchStage) async throws -> Figure {
    try await stage.client(stage.people.administrator, connections: 1) { client in
      let lists: [PublishedList] = try await client.post("/v1/issuers/crl", [String: String]())
      guard let full = lists.filter({ $0.shard == nil }).max(by: { $0.entries < $1.entries }),
        full.entries >= stage.plan.revoked
      else { throw CommandFailure("expected a CRL of \(stage.plan.revoked) certificates, found a smaller one") }
      let bytes = try await client.get("/crl/\(full.issuerKeyID).crl").readableBytes
      let raw = try RawFile.temporary { file in try (0..<3).map { _ in try file.append(bytes) }.sorted()[1] }
      let load = try await stage.server.load(stage.plan.builds, connections: 1) { _ in
        let _: [PublishedList] = try await client.post("/v1/issuers/crl", [String: String]())
      }
      // The full list has each entry once, and the shards together have each once more.
      return figure(
        timeOf: load, baseline: "\(lists.count) signs, \(bytes / 500_000) MB synced",
        stage.baselines.sign * Double(lists.count) + raw * 2)
    }
  }
}
