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
      discussion: """
        Example: muster hardware import boards.txt --group pumps
        Each refused line is told by its number and a code; exit status 3 where there are some.
        """)
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

    private static let rowsAtOnce = 500

    /// How many rows were refused.
    private func send(_ rows: [HardwareRow], to client: APIClient) async throws -> Int {
      var refused = 0
      for start in stride(from: 0, to: rows.count, by: Import.rowsAtOnce) {
        let rows = rows[start..<min(start + Import.rowsAtOnce, rows.count)]
        let (sent, tooLong) = (rows.filter { !$0.isTooLong }, rows.filter(\.isTooLong))
        for row in tooLong { tell(row, "hardware-id-malformed", "expected a hardware ID, found a longer line") }
        let results: [HardwareResult]
        do {
          results = try await client.post(
            "/v1/hardware/import", sent.map { HardwareInput(hardware: $0.text, group: group, reason: nil) })
        } catch let failure as CommandFailure {
          guard start > 0, let first = rows.first else { throw failure }
          throw CommandFailure(
            "\(failure.description) The lines before \(first.line) are done, with \(refused) refused.")
        }
        let refusals = zip(sent, results).filter { $0.1.code != nil }
        for (row, result) in refusals { tell(row, result.code ?? "", result.reason ?? "") }
        refused += tooLong.count + refusals.count
      }
      return refused
    }

    private func tell(_ row: HardwareRow, _ code: String, _ reason: String) {
      standardError(
        "line \(row.line): \(printable(row.text, upTo: 200)) \(code): \(printable(reason, upTo: 400))")
    }
  }
}

/// A line of a list that names hardware.
struct HardwareRow: Equatable {
  /// From 1, of all lines of the file.
  let line: Int
  let text: String

  /// No hardware ID has so many bytes, and a request has room for as many lines of fewer.
  var isTooLong: Bool { text.utf8.count > 1024 }
}

/// Those of a file; spreadsheets put a byte order mark before the first.
func hardwareRows(of text: String) -> [HardwareRow] {
  let text = text.unicodeScalars.first == "\u{feff}" ? text.unicodeScalars.dropFirst() : text.unicodeScalars[...]
  return Substring(text).textLines.enumerated()
    .map { HardwareRow(line: $0.offset + 1, text: $0.element.trimmingCharacters(in: .whitespaces)) }
    .filter { !$0.text.isEmpty && !$0.text.hasPrefix("#") }
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
