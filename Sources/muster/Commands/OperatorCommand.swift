import ArgumentParser
import Enrollment
import Foundation
import MusterModel

struct OperatorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "operator", abstract: "People and stations that use this command line.",
    subcommands: [Add.self, List.self, Remove.self, RenewCommand.self])

  struct Add: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Adds an operator; makes the key here and writes the identity file.",
      discussion: """
        Example: muster operator add anna --role field-engineer --group pumps --out anna.pem
        When the administrator's certificate is lost or over, stop the service and act on its folder:
          muster operator add anna --role administrator --out anna.pem --data DATA
        """)
    @OptionGroup var connection: Connection
    @Argument(help: "The operator's name.") var name: String
    @Option(help: "administrator, security-officer, field-engineer, factory-line, auditor, application or monitoring.")
    var role: String
    @Option(help: "Limits the operator to a group; may be given several times.") var group: [String] = []
    @Option(help: "Where the certificate and key are written, mode 0600.", completion: .file()) var out: String
    @Option(help: "Act on the instance's own folder instead of a running service.", completion: .directory)
    var data: String?

    func run() async throws {
      if let data {
        guard let role = Role(rawValue: role), role != .hub else {
          throw CommandFailure("expected a role of \(roles), found \(role)", status: 2)
        }
        try await OpenInstance.with(data) {
          try await addOperator(name, role: role, groups: group, $0.instance, to: out)
        }
      } else {
        try await addPeer(named: name, path: "/v1/operators", connection: connection, out: out) { csr in
          OperatorInput(name: name, role: role, groups: group, csr: csr)
        }
      }
      print("\(name) \(role) \(out)")
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lists the operators.", discussion: "Example: muster operator list")
    @OptionGroup var connection: Connection
    @OptionGroup var output: Output

    func run() async throws {
      var listing = output.listing([
        Column<OperatorSummary>("name") { $0.name.text }, Column("role") { $0.role.rawValue },
        Column("groups") { $0.groups.map(\.text).joined(separator: " ") }, Column("added", time: \.added),
        Column("certificate until", time: \.certificateExpires),
      ])
      try await connection.withClient { client in try await client.rows("/v1/operators") { try listing.add($0) } }
      listing.finish()
    }
  }

  struct Remove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Removes an operator, at once.", discussion: "Example: muster operator remove anna")
    @OptionGroup var connection: Connection
    @Argument(help: "The operator's name.") var name: String

    func run() async throws {
      try await connection.withClient { try await $0.delete("/v1/operators/\(segment(name))") }
      print("\(name) removed")
    }
  }
}

private let roles = Role.allCases.filter { $0 != .hub }.map(\.rawValue).joined(separator: ", ")

struct HubCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hub", abstract: "Hubs: the brokers that devices talk to.",
    subcommands: [
      Add.self, List.self, Status.self, Follow.self, CredentialsCommand.self, ProofsCommand.self, SealKeyCommand.self,
      Remove.self, RenewCommand.self,
    ])

  struct Add: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Adds a hub; makes the key here and writes the identity file.",
      discussion: """
        Example: muster hub add plant --host mqtt.plant.example --out plant.pem
        Example: muster hub add plant --host mqtt.plant.example --out plant.pem --seal-key-out plant.seal.pem
        """)
    @OptionGroup var connection: Connection
    @Argument(help: "The hub's name.") var name: String
    @Option(help: "The hub's host name.") var host: String
    @Option(help: "The groups whose devices it sees; may be given several times.") var group: [String] = []
    @Option(help: "Where the certificate and key are written, mode 0600.", completion: .file()) var out: String
    @OptionGroup var key: SealKeyOptions

    func run() async throws {
      let sealKey = try key.publicKey()
      try await addPeer(named: name, path: "/v1/hubs", connection: connection, out: out) { csr in
        HubInput(name: name, host: host, groups: group, csr: csr, sealKey: sealKey)
      }
      print("\(name) \(host) \(out)")
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Lists the hubs.", discussion: "Example: muster hub list")
    @OptionGroup var connection: Connection
    @OptionGroup var output: Output

    func run() async throws {
      var listing = output.listing([
        Column<HubSummary>("name") { $0.name.text }, Column("host") { $0.host },
        Column("groups") { $0.groups.map(\.text).joined(separator: " ") }, Column("added", time: \.added),
        Column("certificate until", time: \.certificateExpires), Column("seal key") { $0.sealKey },
      ])
      try await connection.withClient { client in try await client.rows("/v1/hubs") { try listing.add($0) } }
      listing.finish()
    }
  }

  struct Remove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Removes a hub, at once.", discussion: "Example: muster hub remove plant")
    @OptionGroup var connection: Connection
    @Argument(help: "The hub's name.") var name: String

    func run() async throws {
      try await connection.withClient { try await $0.delete("/v1/hubs/\(segment(name))") }
      print("\(name) removed")
    }
  }
}

/// Makes the key here, asks for its certificate, and writes both: the key never leaves this machine. Key and request are
/// kept until the answer is written or a refusal came, so that the same command again asks the same and is answered the
/// same.
private func addPeer(
  named name: String, path: String, connection: Connection, out: String, input: (String) -> some Encodable
) async throws {
  guard !FileManager.default.fileExists(atPath: out) else {
    throw CommandFailure("expected no file at \(out), found one: an identity is never written over")
  }
  let pending = try PendingIdentity.at(out, commonName: name)
  let body = input(Data(pending.request).base64EncodedString())
  let issued: IssuedIdentity
  do {
    issued = try await connection.withClient { try await $0.post(path, body, isRepeatable: true) }
  } catch let failure as CommandFailure where failure.isRefusal && pending.isNew {
    pending.remove()
    throw failure
  }
  let file = issued.certificate + issued.issuer + issued.trustAnchor + PEM.privateKey(pending.key)
  try writeFile(out, file.utf8, mode: 0o600)
  pending.remove()
}
