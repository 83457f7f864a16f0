import ArgumentParser
import Foundation
import HubAccess
import MusterModel

extension HubCommand {
  struct ProofsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "proofs",
      abstract: "Tells which version of its keys each device used, as a hub that verifies by keys that it holds.",
      discussion: """
        Example: muster hub proofs --identity plant.pem < proofs.txt
        A line of standard input names a device and the version, pump-7 3, or - where what it showed was signed by none of its
        keys. Each comes out again with accepted, or why not. A device is let in by a version once it is accepted. Exit status 3 where
        one was not. access.yaml lists hub.read-keys for it.
        """)
    @OptionGroup var connection: Connection

    func run() async throws {
      var refused = 0
      try await connection.withClient { client in
        var reports: [ReportedProof] = []
        while let line = readLine() {
          guard !line.isEmpty else { continue }
          reports.append(try HubCommand.report(line))
          if reports.count == HubProofs.limit { refused += try await tell(&reports, client) }
        }
        refused += try await tell(&reports, client)
      }
      if refused > 0 { throw CommandFailure("\(refused) were not accepted", status: 3) }
    }

    private struct Message: Encodable { let proofs: [ReportedProof] }
    private struct Results: Decodable { let results: [ProofResult] }

    /// How many were not accepted.
    private func tell(_ reports: inout [ReportedProof], _ client: APIClient) async throws -> Int {
      guard !reports.isEmpty else { return 0 }
      let answer: Results = try await client.post("/v1/hub/proofs", Message(proofs: reports))
      guard answer.results.count == reports.count else {
        throw CommandFailure("expected \(reports.count) results, found \(answer.results.count)")
      }
      for (report, result) in zip(reports, answer.results) {
        let version = report.keyVersion.map { String($0) } ?? "-"
        try StandardOutput.write("\(report.deviceID) \(version) \(result.code ?? "accepted")".utf8)
      }
      reports = []
      return answer.results.count { !$0.accepted }
    }
  }

  /// A device ID, and a version or -.
  fileprivate static func report(_ line: String) throws -> ReportedProof {
    let parts = line.split(separator: " ")
    guard parts.count == 2, let device = DeviceID(parts[0]), parts[1] == "-" || UInt32(parts[1]) != nil else {
      throw CommandFailure("expected a device ID and a key version, or -, in a line; found another text", status: 2)
    }
    return ReportedProof(deviceID: device, keyVersion: UInt32(parts[1]))
  }
}
