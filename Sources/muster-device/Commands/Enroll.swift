import ArgumentParser
import Crypto
import Foundation
import MusterModel
import NIOSSL
import PKCS11Commands
import ServiceAnswers
import TPMCommands
import TPMDevice

extension WantedCredentials: ExpressibleByArgument {}

struct Enroll: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Gets the device its certificate; the same again after a break goes on with the same key.",
    discussion: """
      Example: muster-device enroll --server https://muster.plant.example:8443 --ca root.pem \\
        --device pump-7 --ticket code --hardware auto --state /var/lib/muster-device
      Example: muster-device enroll --server https://muster.plant.example:8443 --ca-sha256 2f6c… \\
        --tpm device:/dev/tpmrm0 --state /var/lib/muster-device
      """)
  @Option(help: "The service, https://HOST:PORT.") var server: String
  @Option(help: "The service's trust anchor, PEM.", completion: .file()) var ca: String?
  @Option(help: "The trust anchor's fingerprint instead: SHA-256 of its DER, in hex.") var caSha256: String?
  @Option(help: "A file with a ticket's code, or - for standard input.", completion: .file()) var ticket: String?
  @Option(help: "The device ID of the ticket.") var device: String?
  @Option(help: "The board's certificate by its maker (IDevID) with its issuers', PEM.", completion: .file())
  var idevid: String?
  @Option(help: "That certificate's key, PEM.", completion: .file()) var idevidKey: String?
  @Option(help: "Where the TPM is that is to hold the key: device:/dev/tpmrm0, tabrmd, swtpm:host=127.0.0.1,port=2321.")
  var tpm: String?
  @Option(help: "The TPM's endorsement key, rsa or ecc; else the one that its maker certified.") var endorsement:
    String?
  @Option(help: "A file with the password of the TPM's owner, where one is set.", completion: .file())
  var ownerAuth: String?
  @Option(help: "A file with the password of its endorsement hierarchy, where one is set.", completion: .file())
  var endorsementAuth: String?
  @Flag(help: "With a ticket and a TPM: the TPM's word that it holds the key goes beside the ticket.") var attest =
    false
  @Option(
    help: "The firmware's event log, where the service wants it; else what Linux has of it (root may read it).",
    completion: .file())
  var eventLog: String?
  @Option(help: "A file for the key, PEM, made where there is none; else in the state folder.", completion: .file())
  var key: String?
  @Option(
    help:
      "The token that is to hold the key, pkcs11:token=LABEL?module-path=FILE&pin-source=file:FILE (RFC 7512). Its PIN is never an argument."
  )
  var pkcs11: String?
  @Option(help: "The board's hardware ID, kind:value, or auto for what Linux says of it.") var hardware: String?
  @Option(help: "The group to enroll into.") var group: String?
  @Option(help: "certificate, or both: symmetric keys for tokens beside it.") var credentials = WantedCredentials
    .certificate
  @OptionGroup var state: StateOptions

  func validate() throws {
    guard (ca == nil) != (caSha256 == nil) else { throw ValidationError("expected either --ca or --ca-sha256") }
    guard [tpm, pkcs11, key].compactMap(\.self).count <= 1 else {
      throw ValidationError("expected one of --tpm, --pkcs11 and --key, found more")
    }
    do { _ = try pkcs11.map(PKCS11URI.init) } catch { throw ValidationError("--pkcs11: \(error)") }
    guard tpm != nil || (ownerAuth == nil && endorsementAuth == nil) else {
      throw ValidationError("expected --owner-auth and --endorsement-auth with --tpm alone")
    }
    guard !attest || (tpm != nil && ticket != nil) else {
      throw ValidationError("expected --attest with --tpm and --ticket")
    }
    guard tpm != nil || eventLog == nil else { throw ValidationError("expected --event-log with --tpm alone") }
    guard tpm != nil || ticket != nil || idevid != nil else {
      throw ValidationError("expected --ticket, --idevid or --tpm, found none")
    }
    guard (idevid == nil) == (idevidKey == nil) else {
      throw ValidationError("expected --idevid and --idevid-key together")
    }
    guard ticket == nil || idevid == nil else { throw ValidationError("expected either --ticket or --idevid") }
    guard credentials == .certificate || ((ticket != nil || idevid != nil) && !attest) else {
      throw ValidationError("expected --credentials both with --ticket or --idevid, and without a TPM's word")
    }
    guard (ticket == nil) == (device == nil) else {
      throw ValidationError("expected --ticket and --device together: both are the ticket's")
    }
    guard tpm.map({ TPMPlace($0) != nil }) ?? true else {
      throw ValidationError("expected --tpm as device:/dev/tpmrm0, tabrmd or swtpm:host=127.0.0.1,port=2321")
    }
    guard endorsement.map({ EndorsementKind(rawValue: $0) != nil }) ?? true else {
      throw ValidationError("expected --endorsement rsa or ecc")
    }
    guard server.hasPrefix("https://"), URL(string: server)?.host() != nil else {
      throw ValidationError("expected --server as https://HOST:PORT")
    }
    guard caSha256.map({ Hex.decode($0)?.count == 32 }) ?? true else {
      throw ValidationError("expected --ca-sha256 as 64 hexadecimal digits")
    }
  }

  func run() async throws {
    let authorization = try self.authorization()
    let maker = try makersIdentity()
    let claimed = try claimedHardware()
    let folder = try StateFolder.made(at: state.state)
    try await folder.locked {
      let settings = try keepSettings(folder)
      let trust = try await keepTrust(folder, settings.server)
      let key = try key(settings, folder)
      let isWhole = try credentials == .certificate || SymmetricKeys.read(folder) != nil
      if isWhole, let kept = try DeviceCertificate.read(folder), kept.isValid(at: Date()) {
        try kept.require(key.publicKey)
        return print("enrolled already as \(kept.deviceID), until \(kept.leaf.notValidAfter.shown)")
      }
      let certificate = try await ServiceClient.with(settings.server, trust: trust.anchors, as: maker) { client in
        try await Enrollment(
          folder: folder, client: client, group: group, hardware: claimed, eventLog: eventLog, credentials: credentials
        ).run(key, by: authorization)
      }
      print("enrolled as \(certificate.deviceID), until \(certificate.leaf.notValidAfter.shown)")
    }
  }

  /// What TLS shows of the board's maker; nil where another evidence authorises.
  private func makersIdentity() throws -> TLSIdentity? {
    guard let idevid, let idevidKey else { return nil }
    guard let chain = try? NIOSSLCertificate.fromPEMBytes(try StateFolder.read(idevid) ?? []), !chain.isEmpty else {
      throw DeviceFailure("expected the maker's certificate in PEM in \(idevid), found something else", status: 2)
    }
    guard let bytes = try StateFolder.readPrivate(idevidKey),
      let key = try? NIOSSLPrivateKey(bytes: bytes, format: .pem)
    else {
      throw DeviceFailure("expected that certificate's key in PEM in \(idevidKey), found something else", status: 2)
    }
    return TLSIdentity(chain: chain, key: .privateKey(key))
  }

  private func authorization() throws -> Authorization {
    if idevid != nil { return .idevid }
    let kind = endorsement.flatMap(EndorsementKind.init(rawValue:))
    guard let ticket, let device else { return .attestation(kind) }
    let bytes =
      ticket == "-"
      ? try FileHandle.standardInput.read(upToCount: 256).map { Array($0) } : try StateFolder.read(ticket)
    let code = String(decoding: bytes ?? [], as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    guard (1...64).contains(code.utf8.count) else {
      throw DeviceFailure("expected a ticket's code, found none", status: 2)
    }
    return attest
      ? .attestedTicket(deviceID: device, code: code, kind) : .ticket(deviceID: device, code: code)
  }

  private func claimedHardware() throws -> [String] {
    guard let hardware else { return [] }
    guard hardware == "auto" else {
      switch HardwareID.parse(hardware) {
      case .success(let id): return [id.description]
      case .failure(let refusal): throw DeviceFailure("\(refusal)", status: 2)
      }
    }
    let found = BoardSerial.all().map(\.description)
    guard !found.isEmpty else {
      throw DeviceFailure("expected a serial number of the board, found none: name it by --hardware kind:value")
    }
    return found
  }

  /// A folder is for one service and one key: what was begun with others is not gone on with by mistake.
  private func keepSettings(_ folder: StateFolder) throws -> Settings {
    func whole(_ path: String?) -> String? { path.map { URL(fileURLWithPath: $0).path } }
    let settings = Settings(
      server: server.hasSuffix("/") ? String(server.dropLast()) : server, tpm: tpm, pkcs11: pkcs11,
      ownerAuth: whole(ownerAuth),
      endorsementAuth: whole(endorsementAuth), keyFile: whole(key))
    if let kept = try Settings.read(folder) {
      guard kept == settings else {
        throw DeviceFailure(
          "expected the server and the key that the folder \(folder.path) was begun with (\(kept.server)), found others: "
            + "unenroll first, or take another --state", status: 2)
      }
      return kept
    }
    try settings.write(to: folder)
    return settings
  }

  private func keepTrust(_ folder: StateFolder, _ server: String) async throws -> ServiceTrust {
    if let ca { return try ServiceTrust.keep(file: ca, in: folder) }
    return try await ServiceTrust.keep(fingerprint: Hex.decode(caSha256 ?? "") ?? [], of: server, in: folder)
  }

  private func key(_ settings: Settings, _ folder: StateFolder) throws -> any DeviceKey {
    if let tpm = try settings.keys() { return try TPMKey.inFolder(folder, tpm) }
    if let token = try settings.token(folder) { return try TokenKey.inFolder(folder, token) }
    return try KeyFile.at(settings.keyFile ?? folder.path(of: .privateKey))
  }
}

extension Date {
  /// RFC 3339 in UTC.
  var shown: String { ISO8601DateFormatter().string(from: self) }
}
