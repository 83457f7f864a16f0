import ArgumentParser
import Enrollment
import Foundation
import MusterModel

struct GroupCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "group", abstract: "Groups of devices: their profile, hub and makers.",
    subcommands: [Add.self, List.self, Show.self, Remove.self])

  struct Add: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Makes a group.", discussion: "Example: muster group add pumps --hub plant --trust maker-root.pem")
    @OptionGroup var connection: Connection
    @Argument(help: "The group's name.") var name: String
    @Option(help: "A maker's trust anchors, PEM: its IDevIDs enroll into this group.", completion: .file())
    var trust: [String] = []
    @Option(help: "The profile of its devices' certificates.") var profile: String?
    @Option(help: "The hub that its devices talk to.") var hub: String?

    func run() async throws {
      let anchors = try trust.map { file in
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
          throw CommandFailure("expected certificates in PEM, found none that can be read at \(file)")
        }
        return text
      }
      let request = GroupInput(name: name, profile: profile, hub: hub, trustAnchors: anchors)
      let group: GroupSummary = try await connection.withClient { try await $0.post("/v1/groups", request) }
      print("\(group.name) \(group.record)")
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lists the groups.", discussion: "Example: muster group list")
    @OptionGroup var connection: Connection
    @OptionGroup var output: Output

    func run() async throws {
      var listing = output.listing([
        Column<GroupSummary>("group") { $0.name.text }, Column("profile") { $0.profile },
        Column("hub") { $0.hub?.text }, Column("makers") { String($0.trustAnchors.count) },
        Column("devices") { String($0.devices) },
      ])
      try await connection.withClient { client in try await client.rows("/v1/groups") { try listing.add($0) } }
      listing.finish()
    }
  }

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Shows one group.", discussion: "Example: muster group show pumps")
    @OptionGroup var connection: Connection
    @OptionGroup var output: Output
    @Argument(help: "The group's name.") var name: String

    func run() async throws {
      let group: GroupSummary = try await connection.withClient { try await $0.get("/v1/groups/\(segment(name))") }
      var lines: [(String, String?)] = [
        ("group", group.name.text), ("record", group.record.description), ("profile", group.profile),
        ("hub", group.hub?.text), ("devices", String(group.devices)),
      ]
      lines += group.trustAnchors.map { ("trust anchor", $0.hex) }
      try output.result(group, lines: lines)
    }
  }

  struct Remove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Removes a group that has no devices.", discussion: "Example: muster group remove pumps")
    @OptionGroup var connection: Connection
    @Argument(help: "The group's name.") var name: String

    func run() async throws {
      try await connection.withClient { try await $0.delete("/v1/groups/\(segment(name))") }
      print("\(name) removed")
    }
  }
}
