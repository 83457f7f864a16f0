import ArgumentParser
import Enrollment
import Foundation
import KeyVault
import MusterModel

struct RolloverCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rollover",
    abstract: "Rollovers: new device keys, or certificates, for some devices or all, in waves.",
    subcommands: [Plan.self, Start.self, Pause.self, Resume.self, Abort.self, Status.self, List.self])

  struct Plan: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Plans a rollover, and prints its record ID. Nothing happens to a device before it is started.",
      discussion: """
        Example: muster rollover plan --group pumps --deadline 30d --canary 1 --step 25
        Example: muster rollover plan --batch bat_01k7… --hub plant --deadline 7d
        Example: muster rollover plan --certificates --issuer KEYID --all --deadline 30d
        --group, --hub and --batch are those of muster device list; named together, the devices that have all of it. Which these \
        are is looked up when a wave lets devices in; who is in it stays. \
        With --certificates devices are told to renew in waves, and their certificates of before are revoked once they have \
        used the new one. --issuer walks an issuing CA out of the fleet that another has taken over from (muster ca rotate).
        """)
    @OptionGroup var connection: Connection
    @OptionGroup var selection: DeviceSelection
    @Flag(help: "All devices.") var all = false
    @Flag(help: "New certificates in place of new keys.") var certificates = false
    @Option(help: "With --certificates: those of the issuing CA with this key ID alone (muster ca show).")
    var issuer: String?
    @Option(help: "Its deadline: a time (2026-12-01T00:00:00Z) or how long from now (30d).") var deadline: OrderEnd
    @Option(help: "The share of the first wave, in percent.") var canary: UInt32 = 1
    @Option(help: "What each further wave adds, in percent.") var step: UInt32 = 25
    @Option(help: "How many percent of a wave's devices that called in must have proved the new one before the next.")
    var quorum: UInt32 = 90
    @Option(help: "The least time between two waves (30s, 1h, 1d).") var soak = Lifetime(seconds: 3600)
    @Option(help: "How long the old one is kept after the new one is proved.") var overlap = Lifetime(seconds: 86_400)
    @Option(help: "Pause where more than this share of the devices was refused a token, or the renewal, in percent.")
    var stopAt: UInt32 = 5
    @Option(help: "From how many devices that have not proved the new one the old may be taken at the deadline.")
    var mayBreak: UInt64 = 0

    func validate() throws {
      guard all == selection.isAll else {
        throw ValidationError("expected --all, or of --group, --hub and --batch one at least")
      }
      guard certificates || issuer == nil else { throw ValidationError("expected --issuer with --certificates") }
    }

    func run() async throws {
      let plan = RolloverPlan(
        canary: canary, step: step, quorum: quorum, soak: UInt64(soak.seconds), overlap: UInt64(overlap.seconds),
        deadline: deadline.time(from: SystemClock().now()), refusals: stopAt, breaks: mayBreak)
      let rollover: RolloverSummary = try await connection.withClient {
        try await $0.post(
          "/v1/rollovers",
          RolloverInput(
            group: selection.group, hub: selection.hub, batch: selection.batch, plan: plan,
            certificates: certificates ? LeavingCertificates(issuerKeyID: issuer) : nil))
      }
      print(rollover.record)
    }
  }

  struct Start: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Starts a rollover that was planned.", discussion: "Example: muster rollover start rol_01k7…")
    @OptionGroup var led: Led
    func run() async throws { try await led.run(.start) }
  }

  struct Pause: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Pauses a rollover: nothing new is made and nothing ends.",
      discussion: "Example: muster rollover pause rol_01k7…")
    @OptionGroup var led: Led
    func run() async throws { try await led.run(.pause) }
  }

  struct Resume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lets a rollover go on that was paused.", discussion: "Example: muster rollover resume rol_01k7…")
    @OptionGroup var led: Led
    func run() async throws { try await led.run(.resume) }
  }

  struct Abort: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Aborts a rollover: each device that has not proved its new key has the old one alone again.",
      discussion: """
        Example: muster rollover abort rol_01k7…
        Of certificates both stay: a device that was sent the new one may have let go of the old.
        """)
    @OptionGroup var led: Led
    func run() async throws { try await led.run(.abort) }
  }

  /// What an operator does to one rollover.
  struct Led: ParsableArguments {
    @OptionGroup var connection: Connection
    @Argument(help: "The rollover's record ID.") var rollover: String

    func run(_ change: RolloverChange) async throws {
      let summary: RolloverSummary = try await connection.withClient {
        try await $0.post("/v1/rollovers/\(segment(rollover))/\(change.rawValue)", [String: String]())
      }
      print("\(summary.record) \(summary.state.rawValue)")
    }
  }

  struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Shows how far a rollover is, or which devices it waits for.",
      discussion: "Example: muster rollover status rol_01k7… --stragglers")
    @OptionGroup var connection: Connection
    @OptionGroup var output: Output
    @Argument(help: "The rollover's record ID.") var rollover: String
    @Flag(help: "List the devices that have not proved the new one.") var stragglers = false

    func run() async throws {
      let path = "/v1/rollovers/\(segment(rollover))"
      guard stragglers else {
        let found: RolloverSummary = try await connection.withClient { try await $0.get(path) }
        return try output.result(found, lines: found.lines)
      }
      var listing = output.listing([
        Column<RolloverStraggler>("device", isWhole: true) { $0.deviceID?.text },
        Column("stage") { $0.stage.rawValue }, Column("since", time: \.since),
        Column("proved") { $0.proved.map { String($0) } }, Column("at", time: \.provedAt),
        Column("new key") { $0.made.map { String($0) } },
      ])
      try await connection.withClient { client in
        try await client.rows("\(path)/stragglers") { try listing.add($0) }
      }
      listing.finish()
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lists the rollovers.", discussion: "Example: muster rollover list")
    @OptionGroup var connection: Connection
    @OptionGroup var output: Output

    func run() async throws {
      var listing = output.listing([
        Column<RolloverSummary>("rollover", isWhole: true) { $0.record.description },
        Column("what") { $0.kind.rawValue }, Column("of") { $0.isOfAll ? "all" : $0.selection },
        Column("state") { $0.state.rawValue },
        Column("share") { "\($0.share)%" }, Column("entered") { String($0.entered) },
        Column("settled") { $0.devices["settled"].map { String($0) } },
        Column("deadline", time: \.plan.deadline),
      ])
      try await connection.withClient { client in try await client.rows("/v1/rollovers") { try listing.add($0) } }
      listing.finish()
    }
  }
}

extension RolloverSummary {
  /// What is named of its devices.
  fileprivate var selection: String {
    let named = [("group", group?.text), ("hub", hub?.text), ("batch", batch?.description)]
    let parts = named.compactMap { name, value in value.map { "\(name) \($0)" } }
    return parts.isEmpty ? "erased" : parts.joined(separator: ", ")
  }

  fileprivate var lines: [(String, String?)] {
    [
      ("rollover", record.description), ("what", kind.rawValue), ("issuer", issuerKeyID),
      ("of", isOfAll ? "all devices" : selection),
      ("state", "\(state.rawValue) since \(changed) (\(cause.rawValue))"), ("started", started?.description),
      ("deadline", plan.deadline.description), ("wave", "\(wave), \(share)% of the devices"),
      ("entered", String(entered)), ("refused", String(refused)),
    ] + DeviceRollover.Stage.allCases.map { ($0.rawValue, devices[$0.rawValue].map { String($0) }) }
  }
}
