import ArgumentParser
import Enrollment
import Foundation
import MusterModel

struct TicketCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ticket", abstract: "One-time rights to enroll one hardware ID as one device.",
    subcommands: [Issue.self, List.self, Cancel.self])

  struct Issue: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Issues a ticket and prints its code alone.",
      discussion: """
        Example: muster ticket issue --hardware cpu-serial:00000000e4b1c9d2 --device pump-7 --group pumps --qr
        The device enrolls by EST with its device ID as user and the code as password.
        """)
    @OptionGroup var connection: Connection
    @Option(help: "The board's hardware ID, kind:value.") var hardware: String
    @Option(help: "The device it becomes.") var device: String
    @Flag(help: "It takes over a device that is bound to other hardware.") var swap = false
    @Option(help: "How long the ticket is good for: 30m, 24h, 7d.") var valid = Lifetime(seconds: 86_400)
    @Option(help: "The group it enrolls into.") var group: String?
    @Flag(help: "Shows the code as a QR code on standard error, too.") var qr = false

    func run() async throws {
      let request = TicketInput(
        hardware: hardware, deviceID: device, swap: swap, validSeconds: valid.seconds, group: group)
      let ticket: IssuedTicket = try await connection.withClient { try await $0.post("/v1/tickets", request) }
      if qr { try QRCode.show(ticket.code) }
      print(ticket.code)
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lists the tickets, and why a redemption was refused.", discussion: "Example: muster ticket list")
    @OptionGroup var connection: Connection
    @OptionGroup var output: Output

    func run() async throws {
      var listing = output.listing([
        Column<TicketSummary>("ticket", isWhole: true) { $0.record.description },
        Column("device") { $0.deviceID?.text ?? "erased" },
        Column("hardware") { $0.hardware?.description ?? "erased" },
        Column("state") { $0.isSwap ? "\($0.state.rawValue), swap" : $0.state.rawValue },
        Column("expires", time: \.expires),
        Column("by") { $0.issuedBy?.text },
        Column("last refused", short: refusalInShort) { ticket in
          ticket.lastRefusal.map { "\($0.at) \($0.code): \($0.reason ?? "erased")" }
        },
      ])
      try await connection.withClient { client in try await client.rows("/v1/tickets") { try listing.add($0) } }
      listing.finish()
    }
  }

  /// `used 14:02 by another key`: what the bench asks first, short enough for a table.
  private static func refusalInShort(_ ticket: TicketSummary) -> String? {
    guard let refusal = ticket.lastRefusal else { return nil }
    guard refusal.code == "ticket-spent", let redeemed = ticket.redeemed else {
      return "\(shortestTime(refusal.at)) \(refusal.code)"
    }
    return "used \(shortestTime(redeemed)) by another key"
  }

  struct Cancel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Cancels a ticket that is not redeemed.",
      discussion: "Example: muster ticket cancel tkt_06bq…; see muster ticket list")
    @OptionGroup var connection: Connection
    @Argument(help: "The ticket's record ID.") var ticket: String

    func run() async throws {
      try await connection.withClient { try await $0.delete("/v1/tickets/\(segment(ticket))") }
      print("\(ticket) cancelled")
    }
  }
}

/// A length of time as people write it: `90s`, `30m`, `24h`, `7d`.
struct Lifetime: ExpressibleByArgument, CustomStringConvertible {
  let seconds: Int

  init(seconds: Int) { self.seconds = seconds }

  init?(argument: String) {
    let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
    guard let last = argument.last, let unit = units[last], let count = Int(argument.dropLast()), count > 0,
      count < 100_000
    else { return nil }
    seconds = count * unit
  }

  var description: String { seconds.isMultiple(of: 3600) ? "\(seconds / 3600)h" : "\(seconds)s" }
  var defaultValueDescription: String { description }
}

enum QRCode {
  /// Draws on standard error by `qrencode`, which reads the code from its standard input, never from an argument.
  static func show(_ text: String) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["qrencode", "-t", "ANSIUTF8", "-o", "-"]
    let input = Pipe()
    process.standardInput = input
    process.standardOutput = FileHandle.standardError
    try process.run()
    input.fileHandleForWriting.write(Data(text.utf8))
    try input.fileHandleForWriting.close()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw CommandFailure("expected qrencode to draw the code: install the package qrencode, or leave --qr out")
    }
  }
}
