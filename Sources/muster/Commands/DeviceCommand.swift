import ArgumentParser
import Enrollment
import Foundation
import KeyVault
import MusterModel

struct DeviceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "device", abstract: "Devices: what they are, on which hardware, and whether they are trusted.",
    subcommands: [
      List.self, Show.self, Enable.self, Disable.self, Retire.self, Swap.self, History.self,
      Rekey.self, Token.self,
    ])

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lists the devices.", discussion: "Example: muster device list --group pumps --output csv")
    @OptionGroup var connection: Connection
    @OptionGroup var output: Output
    @OptionGroup var selection: DeviceSelection

    func run() async throws {
      var listing = output.listing([
        Column<DeviceSummary>("device") { $0.deviceID.text }, Column("state") { $0.state.rawValue },
        Column("group") { $0.group?.text }, Column("hub") { $0.hub?.text },
        Column("generation") { String($0.generation) }, Column("last seen", time: \.lastSeen),
      ])
      try await connection.withClient { client in
        try await client.rows("/v1/devices", query: selection.query) { try listing.add($0) }
      }
      listing.finish()
    }
  }

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Shows one device on one screen.", discussion: "Example: muster device show pump-7")
    @OptionGroup var connection: Connection
    @OptionGroup var output: Output
    @Argument(help: "The device ID.") var id: String

    func run() async throws {
      let device: DeviceDetail = try await connection.withClient { try await $0.get("/v1/devices/\(segment(id))") }
      try output.result(device, lines: lines(of: device))
    }
  }

  struct Enable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lets a disabled device in again.", discussion: "Example: muster device enable pump-7")
    @OptionGroup var change: DeviceChange
    func run() async throws { try await change.run("enable") }
  }

  struct Disable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Shuts a device out, at once and until it is enabled.",
      discussion: "Example: muster device disable pump-7 --reason 'stolen van'")
    @OptionGroup var change: DeviceChange
    func run() async throws { try await change.run("disable") }
  }

  struct Retire: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Ends a device for good; its ID can be given again.", discussion: "Example: muster device retire pump-7"
    )
    @OptionGroup var change: DeviceChange
    func run() async throws { try await change.run("retire") }
  }

  struct Swap: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Issues the ticket with which new hardware takes over a device; prints its code alone.",
      discussion: "Example: muster device swap pump-7 --hardware cpu-serial:00000000e4b1c9d3")
    @OptionGroup var connection: Connection
    @Argument(help: "The device ID.") var id: String
    @Option(help: "The new board's hardware ID.") var hardware: String

    func run() async throws {
      let request = TicketInput(hardware: hardware, deviceID: id, swap: true, validSeconds: nil, group: nil)
      let ticket: IssuedTicket = try await connection.withClient { try await $0.post("/v1/tickets", request) }
      print(ticket.code)
    }
  }

  struct History: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Tells what happened to a device, and who did it.", discussion: "Example: muster device history pump-7")
    @OptionGroup var connection: Connection
    @OptionGroup var output: Output
    @Argument(help: "The device ID.") var id: String

    func run() async throws {
      var listing = output.listing([
        Column<HistoryEntry>("position") { String($0.position) }, Column("at", time: \.at),
        Column("by") { $0.by }, Column("what") { $0.what },
      ])
      try await connection.withClient { client in
        try await client.rows("/v1/devices/\(segment(id))/history") { try listing.add($0) }
      }
      listing.finish()
    }
  }
}

/// What the three changes of a device's state share.
struct DeviceChange: ParsableArguments {
  @OptionGroup var connection: Connection
  @Argument(help: "The device ID.") var id: String
  @Option(help: "Why: kept with the event.") var reason: String?

  func run(_ change: String) async throws {
    let device: DeviceDetail = try await connection.withClient {
      try await $0.post("/v1/devices/\(segment(id))/\(change)", ReasonInput(reason: reason))
    }
    print("\(device.summary.deviceID) \(device.summary.state.rawValue)")
  }
}

/// What fits one screen.
private let certificatesShown = 6
private let keysShown = 4

extension DeviceKeyVersion {
  fileprivate var sentence: String {
    state.rawValue + (slot.map { ", \($0.rawValue)" } ?? "") + (isProved ? ", proved last" : "")
      + (check.map { ", check \($0)" } ?? "")
  }
}

extension KeyResidence {
  fileprivate var sentence: String {
    switch self {
    case .notAttested: "made by the device; where it is kept is not attested"
    case .tpm: "in a TPM, which it cannot leave"
    }
  }
}

extension KeyAttestationSummary {
  var sentence: String {
    let endorsed =
      switch endorsement {
      case .allowlist: "by the allowlist"
      case .certificate:
        "by its maker's certificate\(isExpired == true ? ", whose time was over," : "") under "
          + "\(anchor.map { String($0.hex.prefix(16)) } ?? "an anchor"), \(make ?? "erased")"
      }
    return "\(attested), \(hardware?.description ?? "erased") \(endorsed), firmware \(firmwareVersion ?? "erased")"
      + (weakness.map { ", weak: \($0)" } ?? "") + ", position \(position)"
  }

  /// What was quoted of the machine's start; none where nothing was.
  var measured: [(String, String)] {
    (secureBoot.map { [("Secure Boot", $0 ? "on" : "off")] } ?? [])
      + (registers ?? []).map { ("PCR \($0.pcr)", $0.value) }
  }
}

private func lines(of device: DeviceDetail) -> [(String, String?)] {
  let summary = device.summary
  var lines: [(String, String?)] = [
    ("device", summary.deviceID.text), ("state", summary.state.rawValue), ("record", summary.record.description),
    ("group", summary.group?.text), ("hub", summary.hub?.text), ("generation", String(summary.generation)),
    ("bound since", device.boundSince.map { "\($0)\(device.evidence.map { " by \($0.rawValue)" } ?? "")" }),
  ]
  lines += device.hardware.map { ("hardware", "\($0.hardware) (\($0.assurance.rawValue))") }
  if let made = device.provisioned {
    lines.append(("order", "\(made.order?.text ?? "erased"), by \(made.station?.text ?? "erased"), \(made.batch)"))
  }
  lines.append(("key", device.keyResidence?.sentence))
  if let attestation = device.attestation {
    lines.append(("attested", attestation.sentence))
    lines += attestation.measured
  }
  lines += device.certificates.prefix(certificatesShown).map {
    ("certificate", "\($0.serial) \($0.status.rawValue), until \($0.notAfter)")
  }
  if device.certificates.count > certificatesShown {
    lines.append(
      (
        "",
        "and \(device.certificates.count - certificatesShown) more: muster certificate list --device \(summary.deviceID)"
      ))
  }
  lines += device.keys.prefix(keysShown).map { ("key \($0.number)", $0.sentence) }
  lines.append(("last seen", summary.lastSeen?.description ?? "never"))
  if let refusal = device.lastRefusal {
    lines.append(("last refused", "\(refusal.at) \(refusal.code): \(refusal.reason ?? "erased")"))
  }
  return lines
}
