import ArgumentParser
import CertificateAuthority
import Enrollment
import Foundation
import HTTPService
import KeyVault
import MusterModel

struct CACommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ca", abstract: "The certificate authorities and their profiles.",
    subcommands: [Show.self, Check.self, Rotate.self, Revoke.self, RevocationList.self, Trust.self])

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Shows the root and the issuing CAs.", discussion: "Example: muster ca show")
    @OptionGroup var connection: Connection
    @OptionGroup var output: Output

    func run() async throws {
      let issuers: [IssuerSummary] = try await connection.withClient { try await $0.get("/v1/issuers") }
      var listing = output.listing([
        Column<IssuerSummary>("ca") { $0.use }, Column("key ID", isWhole: true) { $0.issuerKeyID },
        Column("until", time: \.notAfter), Column("revoked", time: \.revoked), Column("issued") { String($0.issued) },
        Column("crl") { $0.crl },
      ])
      for issuer in issuers { try listing.add(issuer) }
      listing.finish()
    }
  }

  struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract:
        "Checks profiles, blocked keys and weak firmware, naming the line at fault; a folder's, or those the program carries.",
      discussion: "Example: muster ca check --data DATA")
    @Option(help: "The instance's folder.", completion: .directory) var data: String?

    func run() async throws {
      let rules = try data.map { try Rules(InstanceFolder($0)) } ?? Rules.shipped()
      print("\(rules.profiles.names.count) profiles and \(rules.blockedKeys.count) blocked keys are sound")
    }
  }
}

extension CACommand {
  struct RevocationList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "crl", abstract: "Signs the issuing CAs' CRLs now; with --data, the root's for a year.",
      discussion: """
        Example: muster ca crl
        Example: muster ca crl --data DATA --root-key /media/safe/root-key.sealed < recovery-code
        The issuing CAs' CRLs renew by themselves; this is for who cannot wait. The root's takes its offline key: stop the
        service first, for this acts on its folder.
        """)
    @OptionGroup var connection: Connection
    @OptionGroup var output: Output
    @Option(help: "The instance's folder: renews the root's CRL.", completion: .directory) var data: String?
    @OptionGroup var root: RootOptions

    func run() async throws {
      guard let data else { return try await signNow() }
      let (sealedKey, code) = try root.read(data)
      try await OpenInstance.with(data) { opened in
        let list = try await RootListRenewal(opened: opened).renew(sealedKey: sealedKey, code: code)
        print("the root's CRL \(list.number) is good until \(list.nextUpdate)")
      }
    }

    private func signNow() async throws {
      guard root.rootKey == nil, root.recoveryCodeFile == nil else {
        throw CommandFailure("expected --data DIR with the root's key: the service does not have it", status: 2)
      }
      let lists: [PublishedList] = try await connection.withClient {
        try await $0.post("/v1/issuers/crl", [String: String]())
      }
      var listing = output.listing([
        Column<PublishedList>("ca", isWhole: true) { $0.issuerKeyID },
        Column("shard") { $0.shard.map(String.init) ?? "all" }, Column("number") { String($0.number) },
        Column("until", time: \.nextUpdate), Column("entries") { String($0.entries) },
      ])
      for list in lists { try listing.add(list) }
      listing.finish()
    }
  }
}

/// What opens the root CA's key, which is offline.
struct RootOptions: ParsableArguments {
  @Option(help: "The root's sealed key; by default DATA/offline/root-key.sealed.", completion: .file())
  var rootKey: String?
  @Option(help: "The recovery code's file; else it is read from standard input.", completion: .file())
  var recoveryCodeFile: String?

  func read(_ data: String) throws -> (sealedKey: [UInt8], code: RecoveryCode) { (try readKey(data), try readCode()) }

  private func readKey(_ data: String) throws -> [UInt8] {
    let file = rootKey ?? InstanceFolder(data).path(of: .offlineRoot)
    guard let key = FileManager.default.contents(atPath: file), key.count <= OfflineRoot.keyLimit * 2 else {
      throw CommandFailure(
        "expected the root's sealed key at \(file), found none: bring it back, or name it by --root-key")
    }
    return [UInt8](key)
  }

  private func readCode() throws -> RecoveryCode {
    try ProcessHardening.apply()
    switch RecoveryCode.parse(try SecretInput.read(file: recoveryCodeFile, what: "recovery code")) {
    case .success(let code): return code
    case .failure(let refusal): throw CommandFailure("\(refusal)")
    }
  }
}

extension CACommand {
  struct Rotate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Makes another issuing CA, which takes over at the next start.",
      discussion: """
        Example: muster ca rotate --data DATA --root-key /media/safe/root-key.sealed < recovery-code
        With --service it is that of the service's own TLS certificate, which changes with it, and of operators, stations and \
        hubs, who get theirs by it when they renew. It takes the root's offline key: stop the service first, for this acts on \
        its folder. Certificates of the CA before stay good; muster rollover plan --certificates --issuer KEYID walks them out of the fleet.
        """)
    @Option(help: "The instance's folder.", completion: .directory) var data: String
    @Flag(help: "That of the service, operators, stations and hubs, in place of that of devices.") var service = false
    @OptionGroup var root: RootOptions

    func run() async throws {
      let (sealedKey, code) = try root.read(data)
      let use: IssuerUse = service ? .service : .devices
      try await OpenInstance.with(data) { opened in
        let before = try await opened.readers.issuers().last { $0.use == use }?.keyID
        let issuer = try await IssuerRotation(opened: opened, use: use).rotate(sealedKey: sealedKey, code: code)
        let whom = service ? "the service and its peers" : "devices"
        print("\(issuer.keyID) issues to \(whom) from the next start on, in place of \(before ?? "none")")
      }
    }
  }
}

extension CACommand {
  struct Revoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Has the root revoke an issuing CA that another took over from.",
      discussion: """
        Example: muster ca revoke KEYID --data DATA --root-key /media/safe/root-key.sealed < recovery-code
        It takes the root's offline key: stop the service first, for this acts on its folder. The CA goes into the root's CRL and \
        out of the published chain, and signs nothing any more.
        """)
    @Argument(help: "The CA's key ID (muster ca show).") var issuer: String
    @Option(help: "The instance's folder.", completion: .directory) var data: String
    @Flag(help: "Though certificates of it are in force: who has one is cut off.") var cutOff = false
    @OptionGroup var root: RootOptions

    func run() async throws {
      let (sealedKey, code) = try root.read(data)
      try await OpenInstance.with(data) { opened in
        let list = try await RootListRenewal(opened: opened).revoke(
          issuer, cuttingOff: cutOff, sealedKey: sealedKey, code: code)
        print("\(issuer) is in the root's CRL \(list.number), which is good until \(list.nextUpdate)")
      }
    }
  }
}

struct PolicyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "policy", abstract: "The policies: who may do what, which evidence enrolls where.",
    subcommands: [Check.self, Explain.self])

  struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Checks the policies, naming the line at fault; a folder's, or those the program carries.",
      discussion: "Example: muster policy check --data DATA")
    @Option(help: "The instance's folder.", completion: .directory) var data: String?

    func run() async throws {
      let rules = try data.map { try Rules(InstanceFolder($0)) } ?? Rules.shipped()
      print("policies \(rules.policies.digest.hex.prefix(16)) are sound")
    }
  }
}

extension PolicyCommand {
  struct Explain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Says which rule decides, and why: of a recorded decision, or of what is described.",
      discussion: """
        Example: muster policy explain 112
        Example: muster policy explain --operation ticket.issue --role field-engineer --limited-to pumps --group valves
        Example: muster policy explain --operation key.sign --role application --ring releases
        Example: muster policy explain --act new --evidence idevid --standing unknown --group meters
        Positions are in muster device history. It decides nothing and records nothing.
        """)
    @OptionGroup var connection: Connection
    @OptionGroup var output: Output
    @Argument(help: "The ledger position of a decision.") var position: UInt64?
    @Option(help: "An operation of access.yaml.") var operation: String?
    @Option(help: "Who asks: a list of access.yaml.") var role: String?
    @Option(help: "A group that the role is limited to; may be repeated.") var limitedTo: [String] = []
    @Option(help: "new, swap or renew.") var act: String?
    @Option(help: "ticket, idevid, ldevid, station, group-key or tpm.") var evidence: String?
    @Option(help: "unknown, allowed, bound or blocked.") var standing: String?
    @Option(help: "The kind of the hardware ID that the evidence names.") var hardware: String?
    @Option(help: "By what a TPM is trusted: allowlist or certificate.") var endorsement: String?
    @Option(help: "The group that it concerns.") var group: String?
    @Option(help: "The key ring that it concerns.") var ring: String?

    func run() async throws {
      var input = ExplanationInput()
      input.position = position
      (input.operation, input.role, input.limitedTo) = (operation, role, limitedTo.isEmpty ? nil : limitedTo)
      (input.act, input.evidence, input.standing, input.hardware) = (act, evidence, standing, hardware)
      (input.endorsement, input.group, input.ring) = (endorsement, group, ring)
      let explained: ExplainedDecision = try await connection.withClient { [input] in
        try await $0.post("/v1/policy/explain", input)
      }
      try output.result(explained, lines: lines(of: explained))
    }
  }
}

func lines(of explained: ExplainedDecision) -> [(String, String?)] {
  var lines: [(String, String?)] = []
  if let recorded = explained.recorded {
    lines += [
      ("position", "\(recorded.position), \(recorded.at), \(recorded.kind)"), ("by", recorded.by),
      ("decided by", recorded.rule), ("refused", recorded.code),
    ]
    if let policies = recorded.policies { lines.append(("by policies", "\(policies.hex.prefix(16))")) }
  }
  let judging = "\(explained.policies.hex.prefix(16)), in force " + (explained.isInForce ? "now" : "then")
  // Where those of then are not kept, what follows need not be why.
  let areOthers = explained.recorded?.policies.map { $0 != explained.policies } ?? false
  lines += [
    ("judged by", areOthers ? judging + ": others than decided, so this need not be why" : judging),
    ("outcome", explained.outcome), ("rule", explained.rule),
  ]
  return lines + explained.because.enumerated().map { ($0.offset == 0 ? "because" : "", $0.element) }
}
