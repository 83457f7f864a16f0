import ArgumentParser
import Enrollment
import Foundation
import MusterModel

struct HardwareCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hardware", abstract: "The allowlist and the blocklist of hardware IDs; the blocklist wins.",
    subcommands: [Allow.self, Block.self, Unblock.self, List.self, Import.self])

  struct Allow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Puts hardware on the allowlist.",
      discussion: """
        Example: muster hardware allow mac:aa:bb:cc:00:11:22 --group pumps
        Example: muster hardware allow 'mac:aabbcc*' --group pumps
        """)
    @OptionGroup var change: HardwareChange
    @Option(help: "The group it may enroll into.") var group: String?
    func run() async throws { try await change.run("allow", group: group) }
  }

  struct Block: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Puts hardware on the blocklist: it enrolls no more, whatever else says.",
      discussion: """
        Example: muster hardware block cpu-serial:00000000e4b1c9d2 --reason 'lost in transit'
        Example: muster hardware block 'mac:aabbcc*' --reason 'recalled by the maker'
        """)
    @OptionGroup var change: HardwareChange
    func run() async throws { try await change.run("block", group: nil) }
  }

  struct Unblock: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Takes hardware off the blocklist.", discussion: "Example: muster hardware unblock mac:aabbcc001122")
    @OptionGroup var change: HardwareChange
    func run() async throws { try await change.run("unblock", group: nil) }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lists the hardware that is on record.", discussion: "Example: muster hardware list --output json")
    @OptionGroup var connection: Connection
    @OptionGroup var output: Output

    func run() async throws {
      var listing = output.listing([
        Column<HardwareSummary>("hardware", \.shown),
        Column("listed") { $0.listing.rawValue }, Column("group") { $0.group?.text },
        Column("device") { $0.device?.text }, Column("reason") { $0.reason },
      ])
      try await connection.withClient { client in
        try await client.rows("/v1/hardware") { try listing.add($0) }
      }
      listing.finish()
    }
  }

  struct Import: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Puts a file's hardware IDs on the allowlist, one a line; refused lines go to standard error.",
      discussion: "Example: muster hardware import boards.txt --group pumps")
    @OptionGroup var connection: Connection
    @Argument(help: "One hardware ID a line; empty lines and lines with # are passed over.", completion: .file())
    var file: String
    @Option(help: "The group they may enroll into.") var group: String?

    func run() async throws {
      guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
        throw CommandFailure("expected a text file in UTF-8, found none that can be read at \(file)")
      }
      let rows = hardwareRows(of: text)
      let refused = try await connection.withClient { try await send(rows, to: $0) }
      print("\(rows.count - refused) allowed, \(refused) refused")
      if refused > 0 { throw ExitCode(3) }
    }

    /// How many rows were refused.
    private func send(_ rows: [String], to client: APIClient) async throws -> Int {
      var refused = 0
      for start in stride(from: 0, to: rows.count, by: 500) {
        let requests = rows[start..<min(start + 500, rows.count)].map {
          HardwareInput(hardware: $0, group: group, reason: nil)
        }
        let results: [HardwareResult] = try await client.post("/v1/hardware/import", requests)
        for result in results where result.code != nil {
          refused += 1
          standardError("\(result.hardware): \(result.reason ?? "") (\(result.code ?? ""))")
        }
      }
      return refused
    }
  }
}

/// The lines of a list that name hardware; spreadsheets put a byte order mark before the first.
func hardwareRows(of text: String) -> [String] {
  let text = text.unicodeScalars.first == "\u{feff}" ? text.unicodeScalars.dropFirst() : text.unicodeScalars[...]
  return Substring(text).textLines.map { $0.trimmingCharacters(in: .whitespaces) }
    .filter { !$0.isEmpty && !$0.hasPrefix("#") }
}

/// What the changes of one hardware ID share.
struct HardwareChange: ParsableArguments {
  @OptionGroup var connection: Connection
  @Argument(help: "The hardware ID, kind:value, or a pattern, 'kind:prefix*'.") var hardware: String
  @Option(help: "Why: kept with the event.") var reason: String?

  func run(_ change: String, group: String?) async throws {
    let request = HardwareInput(hardware: hardware, group: group, reason: reason)
    let summary: HardwareSummary = try await connection.withClient {
      try await $0.post("/v1/hardware/\(change)", request)
    }
    print("\(summary.shown) \(summary.listing.rawValue)")
  }
}

extension HardwareSummary {
  fileprivate var shown: String { hardware?.description ?? pattern?.description ?? "erased" }
}
