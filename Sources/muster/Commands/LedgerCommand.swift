import ArgumentParser
import Enrollment
import Foundation
import Ledger
import MusterModel
import SQLiteStore

struct LedgerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ledger", abstract: "The ledger: everything that happened, and the proof that it was not edited.",
    subcommands: [Verify.self, Prove.self, Export.self, Replay.self, Erase.self])

  struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Checks a folder's or an export's whole ledger, or one event's proof; names what was tampered with.",
      discussion: """
        Example: muster ledger verify --data DATA --checkpoint kept-last-week.txt
        Example: muster ledger verify ledger.export --key trust/ledger.vkey
        Example: muster ledger verify proof.txt --key trust/ledger.vkey
        A checkpoint that someone kept is honoured: a ledger that is not its continuation is refused.
        """)
    @Option(help: "The instance's folder; the service may go on serving.", completion: .directory) var data: String?
    @Argument(help: "An export, or an event's proof.", completion: .file()) var file: String?
    @Option(help: "A signed checkpoint that was kept.", completion: .file()) var checkpoint: String?
    @Option(help: "The ledger's verifier key, trust/ledger.vkey; needed with a file.", completion: .file())
    var key: String?

    func run() async throws {
      if let file, data == nil, isProof(file) { return try verifyProof(file) }
      let (report, witnesses): (LedgerReport, ReceiptCheck)
      switch (data, file) {
      case (let data?, nil): (report, witnesses) = try verifyFolder(InstanceFolder(data))
      case (nil, let file?): (report, witnesses) = try verifyExport(file)
      default: throw CommandFailure("expected --data DIR or a file, one of them", status: 2)
      }
      let findings = report.findings + witnesses.findings
      guard findings.isEmpty else {
        throw CommandFailure(findings.prefix(20).map(\.description).joined(separator: "\nmuster: "))
      }
      let signed = report.checkpoint.map { ", signed up to \($0.size), root \($0.root.hex)" } ?? ""
      let receipts = witnesses.count > 0 ? "; \(witnesses.count) receipts of hubs agree" : ""
      print("\(report.events) events are whole\(signed)\(receipts)")
    }

    private func verifyFolder(_ folder: InstanceFolder) throws -> (LedgerReport, ReceiptCheck) {
      let verifier = try key.map(readVerifier) ?? OpenInstance.verifier(folder)
      let archive = try LedgerArchive(folder.data)
      return try verify(verifier) { try archive.records }
    }

    /// The whole check, the hubs' receipts seen on its way, and then their roots by a reading of their own.
    private func verify(
      _ verifier: CheckpointVerifier, _ records: () throws -> LedgerRecords
    ) throws -> (LedgerReport, ReceiptCheck) {
      var witnesses = ReceiptCheck(verifier.origin)
      var first = try records()
      let next = first.event
      first.event = {
        let event = try next()
        if let event { witnesses.see(event) }
        return event
      }
      let report = try LedgerVerification(verifier: verifier, kept: kept(verifier)).verify(first)
      if witnesses.count > 0 { try witnesses.compare(try records().event) }
      return (report, witnesses)
    }

    private func isProof(_ file: String) -> Bool {
      guard let handle = FileHandle(forReadingAtPath: file), let start = try? handle.read(upToCount: 64) else {
        return false
      }
      return EventProof.begins(start)
    }

    /// One event by its proof; then the event as it is recorded.
    private func verifyProof(_ file: String) throws {
      let verifier = try givenVerifier()
      guard checkpoint == nil else {
        throw CommandFailure("expected no --checkpoint with a proof: it holds the one that it is held to", status: 2)
      }
      switch try EventProof(text: readText(file)).verify(with: verifier) {
      case .failure(let refusal): throw CommandFailure("\(refusal) (\(refusal.code))")
      case .success(let proved):
        print(
          "the event at position \(proved.position) is in the ledger, signed up to \(proved.checkpoint.size), "
            + "root \(proved.checkpoint.root.hex)")
        print(String(decoding: proved.bytes, as: UTF8.self))
      }
    }

    private func givenVerifier() throws -> CheckpointVerifier {
      guard let key else {
        throw CommandFailure("expected --key FILE with a file: whoever wrote the file wrote the key in it", status: 2)
      }
      return try readVerifier(key)
    }

    private func verifyExport(_ file: String) throws -> (LedgerReport, ReceiptCheck) {
      let verifier = try givenVerifier()
      return try verify(verifier) {
        guard let handle = FileHandle(forReadingAtPath: file) else {
          throw CommandFailure("expected an export, found no file that can be read at \(file)")
        }
        return try LedgerExportReader { try handle.read(upToCount: 65_536).map { [UInt8]($0) } }.records
      }
    }

    private func kept(_ verifier: CheckpointVerifier) throws -> VerifiedCheckpoint? {
      guard let checkpoint else { return nil }
      switch verifier.verify(try readText(checkpoint)) {
      case .success(let kept): return kept
      case .failure(let refusal): throw CommandFailure("\(checkpoint): \(refusal) (\(refusal.code))")
      }
    }
  }

  struct Prove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Prints one event with its inclusion proof, for someone who does not trust the service.",
      discussion: "Example: muster ledger prove 12 --data DATA > proof.txt")
    @Argument(help: "The event's position.") var position: UInt64
    @Option(help: "The instance's folder; the service may go on serving.", completion: .directory) var data: String

    func run() async throws {
      let folder = InstanceFolder(data)
      let verifier = try OpenInstance.verifier(folder)
      guard let proof = try LedgerArchive(folder.data).proof(of: position, verifier) else {
        throw CommandFailure("expected a position in the ledger, found \(position) past its end")
      }
      print(proof.text, terminator: "")
    }
  }

  struct Export: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Writes the ledger as lines that a stranger can verify; attachments are no part of it.",
      discussion: """
        Example: muster ledger export > ledger.export
        Example: muster ledger export --data DATA > ledger.export
        Without --data the service is asked, which lets auditors and security officers.
        """)
    @OptionGroup var connection: Connection
    @Option(help: "The instance's folder; the service may go on serving.", completion: .directory) var data: String?

    func run() async throws {
      guard let data else {
        return try await connection.withClient { client in
          try await client.download("/v1/ledger/export") { try FileHandle.standardOutput.write(contentsOf: $0) }
        }
      }
      let folder = InstanceFolder(data)
      try LedgerArchive(folder.data).export(try OpenInstance.verifier(folder)) {
        try FileHandle.standardOutput.write(contentsOf: $0)
      }
    }
  }

  struct Replay: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Rebuilds every view from the events in a scratch database, and compares.",
      discussion: "Example: muster ledger replay --check --data DATA")
    @Option(help: "The instance's folder; the service may go on serving.", completion: .directory) var data: String
    @Flag(help: "Compare and change nothing; the only way there is.") var check = false

    func run() async throws {
      guard check else { throw CommandFailure("expected --check: a replay compares and changes nothing", status: 2) }
      let report = try LedgerReplay.check(InstanceFolder(data).data)
      guard report.agrees else {
        throw CommandFailure(report.differences.map(\.description).joined(separator: "\nmuster: "))
      }
      let dropped = report.listsDropped > 0 ? ", \(report.listsDropped) CRLs that are over no longer kept" : ""
      print("\(report.events) events replayed, \(report.erased) of them erased\(dropped): every view agrees")
    }
  }

  struct Erase: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Erases what one event says of people; the ledger still verifies.",
      discussion: "Example: muster ledger erase 12 --reason 'request of 2026-11-20'")
    @OptionGroup var connection: Connection
    @Argument(help: "The event's position.") var position: UInt64
    @Option(help: "Why: kept with the event that says it was erased.") var reason: String

    func run() async throws {
      let erased: ErasedEvent = try await connection.withClient {
        try await $0.post("/v1/ledger/\(position)/erase", ReasonInput(reason: reason))
      }
      print("the details of \(erased.erased) are erased")
    }
  }
}

func readText(_ file: String) throws -> String {
  guard let data = FileManager.default.contents(atPath: file), data.count <= 65_536 else {
    throw CommandFailure("expected a short text, found none that can be read at \(file)")
  }
  return String(decoding: data, as: UTF8.self)
}

private func readVerifier(_ file: String) throws -> CheckpointVerifier {
  try CheckpointVerifier(key: try readText(file).trimmingCharacters(in: .whitespacesAndNewlines))
}
