import ArgumentParser
import Foundation
import HubAccess
import Ledger
import MusterModel

extension HubCommand {
  struct Follow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Follows the ledger as a hub: keeps who is shut out, runs a command at each change, gives receipts.",
      discussion: """
        Example: muster hub follow --identity plant.pem --state /var/lib/plant --exec /etc/plant/changed
        The command finds the change in MUSTER_CHANGE (enabled, disabled, retired, bound, revoked, released, key-changed),
        MUSTER_DEVICE_ID, MUSTER_DEVICE, MUSTER_SERIAL, MUSTER_FINGERPRINT, MUSTER_REASON and MUSTER_POSITION, and whole in
        MUSTER_JSON. It runs again until it ends with 0, and after a kill it may run twice for one change.
        """)
    @OptionGroup var connection: Connection
    @Option(help: "The folder where it keeps what it enforces.", completion: .directory) var state: String
    @Option(help: "Keep the devices' CRL in this file, too.", completion: .file()) var crl: String?
    @Option(help: "Run this by the shell at each change.") var exec: String?
    @Option(
      help: "The ledger's verifier key, trust/ledger.vkey; else the one of the first snapshot is kept.",
      completion: .file())
    var ledgerKey: String?

    func run() async throws {
      let disk = try FollowerDisk(state)
      let pinned = try ledgerKey.map(readText)?.trimmingCharacters(in: .whitespacesAndNewlines)
      var renewed: Timestamp?
      while true {
        try await follow(disk, key: pinned, since: renewed)
        renewed = SystemClock().now()
      }
    }

    /// Until the hub's certificate was renewed: then it goes on from its state, with the new one.
    private func follow(_ disk: FollowerDisk, key: String?, since: Timestamp?) async throws {
      let file = try connection.identityFile()
      let identity = try HubIdentity(file: file)
      let renewal = try IdentityRenewal(file: file, since: since)
      try await connection.withClient { client in
        var follower = try FollowerRun(
          client: HubClient(client: client), disk: disk, identity: identity,
          enforcement: HubEnforcement(command: exec, list: crl.map { CRLFile(path: $0, client: client) }),
          key: try key ?? disk.key())
        var next = renewal.due
        while true {
          try await follower.run(until: next)
          do {
            try await renewal.renew(client)
            return standardError("muster: \(file) renewed")
          } catch let failure as CommandFailure {
            standardError("muster: \(failure.description); \(file) ends at \(renewal.notAfter); again in an hour")
            next = SystemClock().now() + .seconds(3600)
          }
        }
      }
    }
  }

  struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Shows how far each hub is behind, by its receipts.", discussion: "Example: muster hub status")
    @OptionGroup var connection: Connection
    @OptionGroup var output: Output

    func run() async throws {
      let hubs: [HubStatus] = try await connection.withClient { try await $0.get("/v1/hubs/status") }
      var listing = output.listing([
        Column<HubStatus>("name") { $0.name.text }, Column("host") { $0.host },
        Column("enforced to") { $0.enforced.map { String($0) } }, Column("last receipt", time: \.received),
        Column("pending") { String($0.pending) + ($0.isMorePending ? "+" : "") }, Column("since", time: \.pendingSince),
      ])
      for hub in hubs { try listing.add(hub) }
      listing.finish()
    }
  }
}
