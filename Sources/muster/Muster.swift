import ArgumentParser
import CLinux
import Foundation

/// The service and the operator's command line.
struct Muster: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "muster",
    abstract: "Gives every device an identity and keeps its keys.",
    discussion: """
      On an instance's own folder: init, serve, ledger, and operator add --data.
      All else talks to a running service; name it once:
        export MUSTER_SERVER=https://127.0.0.1:8443 MUSTER_IDENTITY=DATA/operators/admin.pem
      """,
    version: programVersion, subcommands: asked.map { [$0] } ?? all)

  private static let all: [any ParsableCommand.Type] = [
    Initialize.self, Serve.self, OperatorCommand.self, HubCommand.self, HardwareCommand.self, DeviceCommand.self,
    GroupCommand.self, TicketCommand.self, CertificateCommand.self, CACommand.self, VaultCommand.self,
    KeyCommand.self, RolloverCommand.self, PolicyCommand.self, LedgerCommand.self, FactoryCommand.self,
    EvidenceCommand.self, BenchCommand.self,
  ]

  /// The one that the command line begins with. Where it is named the parser is shown no other: it asks each subcommand's
  /// name of its type, which for all of them takes longer than most commands do.
  private static let asked = CommandLine.arguments.dropFirst().first.flatMap { name in
    all.first { $0.configuration.commandName == name }
  }
}

let programVersion = "0.1.0"

@main
enum Main {
  /// Exit status: 0 done, 1 refused or failed, 2 misuse, 3 partly done.
  static func main() async {
    // Whoever read standard output may go: a write then fails, and nothing dies half way. Handled and not ignored, so that
    // programs that are run have the default again.
    signal(SIGPIPE) { _ in }
    do {
      var command = try Muster.parseAsRoot()
      // A station's memory is flat, whatever the manifest's length: heaps of many threads each keep their most.
      if command is ProvisionCommand { use_one_heap() }
      if command is Serve { keep_heaps() }
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch {
      end(with: error)
    }
  }

  private static func end(with error: any Error) -> Never {
    if let status = error as? ExitCode { exit(status.rawValue) }
    if let failure = error as? CommandFailure {
      standardError("muster: \(failure.description)")
      exit(failure.status)
    }
    switch Muster.exitCode(for: error).rawValue {
    case 0:
      print(Muster.fullMessage(for: error))
      exit(0)
    case ExitCode.validationFailure.rawValue:
      standardError(Muster.fullMessage(for: error))
      exit(2)
    default:
      standardError("muster: \(error)")
      exit(1)
    }
  }
}

/// What a command could not do, and what to do next.
struct CommandFailure: Error, CustomStringConvertible {
  let description: String
  var status: Int32 = 1
  /// Whether the same again may do: the service is away, or busy.
  var isPassing = false
  /// The service said no: what was asked did not happen.
  let isRefusal: Bool

  init(_ description: String, status: Int32 = 1, isPassing: Bool = false, isRefusal: Bool = false) {
    self.description = description
    self.status = status
    self.isPassing = isPassing
    self.isRefusal = isRefusal
  }
}

func standardError(_ line: String) {
  try? FileHandle.standardError.write(contentsOf: Data((line + "\n").utf8))
}
