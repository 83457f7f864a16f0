import ArgumentParser
import Enrollment
import Foundation
import KeyVault
import MusterModel

struct KeyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "key", abstract: "Key rings: named keys with versions, which never leave the vault.",
    subcommands: [
      Create.self, List.self, Show.self, Rotate.self, Minimum.self, Disable.self, Enable.self, Compromise.self,
      Destroy.self, Keep.self, WrappingKeyCommand.self, Import.self, Export.self, Encrypt.self, Decrypt.self,
      Rewrap.self, MAC.self, Sign.self,
      Verify.self, Derive.self, Boards.self, MakeDataKey.self,
    ])

  struct Create: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Makes a key ring with its first version.",
      discussion: """
        Example: muster key create firmware --kind aes256-gcm --destroy-wait 7d
        Example: muster key create pump-boards --kind group-enrollment --group pumps
        """)
    @OptionGroup var connection: Connection
    @Argument(help: "Its name.") var name: String
    @Option(help: "aes256-gcm, hmac-sha256, p256, ed25519 or group-enrollment.", transform: ringKind) var kind: RingKind
    @Option(help: "The group whose it is: by a group-enrollment key boards enroll into it.") var group: String?
    @Flag(help: "Its keys may leave, sealed to whoever may ask for them.") var exportable = false
    @Option(help: "How long a version that is to be destroyed is still there; at once by default.")
    var destroyWait: Lifetime?
    @Option(help: "After how long the next version takes over; by default as keys.yaml says.") var rotateEvery:
      Lifetime?
    @Option(help: "How often a version may protect something before the next takes over.") var protections: UInt64?

    func run() async throws {
      var input = KeyRingInput(name: name, kind: kind.rawValue)
      input.group = group
      input.exportable = exportable ? true : nil
      input.destroyWaitSeconds = destroyWait?.seconds
      input.rotateEverySeconds = rotateEvery?.seconds
      input.protectionLimit = protections
      let made: KeyRingDetail = try await connection.withClient { [input] in try await $0.post("/v1/keys", input) }
      print("\(made.ring.name) \(made.ring.record) version \(made.ring.newest.number)")
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lists key rings.", discussion: "Example: muster key list")
    @OptionGroup var connection: Connection
    @OptionGroup var output: Output

    func run() async throws {
      var listing = output.listing([
        Column<KeyRingSummary>("name", isWhole: true) { $0.name.text }, Column("kind") { $0.kind.rawValue },
        Column("group") { $0.group?.text }, Column("version") { String($0.newest.number) },
        Column("state") { $0.newest.state.rawValue },
        Column("protected") { String($0.newest.protections) }, Column("left") { $0.protectionsLeft.map(String.init) },
        Column("rotates", time: \.rotates),
      ])
      try await connection.withClient { client in try await client.rows("/v1/keys") { try listing.add($0) } }
      listing.finish()
    }
  }

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Shows a key ring and its versions, never their bytes.", discussion: "Example: muster key show firmware"
    )
    @OptionGroup var connection: Connection
    @OptionGroup var output: Output
    @Argument(help: "Its name.") var name: String

    func run() async throws {
      let found: KeyRingDetail = try await connection.withClient { try await $0.get("/v1/keys/\(segment(name))") }
      let ring = found.ring
      try output.result(
        found,
        lines: [
          ("key", ring.name.text), ("record", ring.record.description), ("kind", ring.kind.rawValue),
          ("group", ring.group?.text),
          ("exportable", ring.settings.isExportable ? "yes" : "no"),
          ("opens from", "version \(ring.minima.decrypt)"), ("protects from", "version \(ring.minima.encrypt)"),
          ("rotates", ring.rotates.description), ("uses left", ring.protectionsLeft.map(String.init)),
          ("destroyed after", ring.settings.destroyWait > 0 ? "\(ring.settings.destroyWait) s" : nil),
        ] + found.versions.flatMap(lines))
    }

    private func lines(_ version: KeyVersionSummary) -> [(String, String?)] {
      let destroyed = version.destroyAt.map { ", destroyed at \($0)" } ?? ""
      let origin = version.isImported ? ", imported" : ""
      return [
        (
          "version \(version.number)",
          "\(version.state.rawValue) since \(version.since), used \(version.uses) times, check \(version.check)"
            + origin + destroyed
        ), ("public key \(version.number)", version.publicKey),
      ]
    }
  }

  struct Rotate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Makes the next version, which protects from here on. The last one still opens and verifies.",
      discussion: "Example: muster key rotate firmware")
    @OptionGroup var connection: Connection
    @Argument(help: "The key ring's name.") var name: String

    func run() async throws {
      let made: KeyVersionSummary = try await connection.withClient {
        try await $0.post("/v1/keys/\(segment(name))/rotate", [String: String]())
      }
      print("\(name) version \(made.number) \(made.state.rawValue)")
    }
  }

  struct Minimum: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Says which versions still open and verify, and which protect.",
      discussion: "Example: muster key minimum firmware --decrypt 3 --encrypt 4")
    @OptionGroup var connection: Connection
    @Argument(help: "The key ring's name.") var name: String
    @Option(help: "The lowest version that opens and verifies.") var decrypt: UInt32
    @Option(help: "The lowest version that protects.") var encrypt: UInt32

    func run() async throws {
      let minima: RingMinima = try await connection.withClient {
        try await $0.post("/v1/keys/\(segment(name))/minimum", RingMinima(decrypt: decrypt, encrypt: encrypt))
      }
      print("\(name) opens from version \(minima.decrypt), protects from version \(minima.encrypt)")
    }
  }
}

/// A ring's kind, of an argument.
func ringKind(_ text: String) throws -> RingKind {
  guard let kind = RingKind(rawValue: text) else {
    let known = RingKind.allCases.map(\.rawValue).joined(separator: ", ")
    throw ValidationError("expected a kind of \(known), found \(excerpt(text))")
  }
  return kind
}

// MARK: - Moves

extension KeyCommand {
  /// Which version of which ring.
  struct Version: ParsableArguments {
    @OptionGroup var connection: Connection
    @Argument(help: "The key ring's name.") var name: String
    @Option(help: "The version's number.") var version: UInt32
    @Option(help: "Why, for the record.") var reason: String?

    func move(to state: KeyState) async throws {
      let moved: KeyVersionSummary = try await connection.withClient {
        try await $0.post(
          "/v1/keys/\(segment(name))/versions/\(version)/state", KeyMoveInput(state: state.rawValue, reason: reason))
      }
      let wait = moved.destroyAt.map { ", will be destroyed at \($0)" } ?? ""
      print("\(name) version \(moved.number) \(moved.state.rawValue)\(wait)")
    }
  }

  struct Disable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Suspends a version: for now it does nothing.",
      discussion: "Example: muster key disable firmware --version 2 --reason 'lost laptop'")
    @OptionGroup var version: Version
    func run() async throws { try await version.move(to: .suspended) }
  }

  struct Enable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lets a suspended version in again: the newest protects, an older one opens and verifies.",
      discussion: "Example: muster key enable firmware --version 2")
    @OptionGroup var version: Version
    func run() async throws { try await version.move(to: .active) }
  }

  struct Compromise: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract:
        "Says that others may know a version: it opens, for what it protects to be rewrapped, and does no more.",
      discussion: "Example: muster key compromise firmware --version 2 --reason 'found in a log'")
    @OptionGroup var version: Version
    func run() async throws { try await version.move(to: .compromised) }
  }

  struct Destroy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Destroys a deactivated or compromised version, at once or after the ring's waiting time.",
      discussion: """
        Example: muster key destroy firmware --version 1
        What it protects is lost. While the ring waits, muster key keep calls it off.
        """)
    @OptionGroup var version: Version
    func run() async throws { try await version.move(to: .destroyed) }
  }

  struct Keep: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Calls off a version's destruction while it is waited for.",
      discussion: "Example: muster key keep firmware --version 1")
    @OptionGroup var version: Version

    /// To stay what it is calls it off.
    func run() async throws {
      let ring: KeyRingDetail = try await version.connection.withClient {
        try await $0.get("/v1/keys/\(segment(version.name))")
      }
      guard let found = ring.versions.first(where: { $0.number == version.version }) else {
        throw CommandFailure("expected a version of \(version.name), found none numbered \(version.version)")
      }
      guard found.destroyAt != nil else {
        throw CommandFailure("expected a version that will be destroyed, found one that is \(found.state.rawValue)")
      }
      try await version.move(to: found.state)
    }
  }
}
