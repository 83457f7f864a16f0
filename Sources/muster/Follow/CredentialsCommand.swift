import ArgumentParser
import Crypto
import Foundation
import HubAccess
import KeyVault
import Ledger
import MusterModel

extension HubCommand {
  struct CredentialsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "credentials",
      abstract: "Reads what a device, or the whole fleet, shows itself by, with its keys, as the hub.",
      discussion: """
        Example: muster hub credentials pump-7 --identity plant.pem --seal-key plant.seal.pem --out pump-7.json
        Example: muster hub credentials --identity plant.pem --seal-key plant.seal.pem --out fleet.ndjson
        The keys come sealed to the key that was registered for the hub, and are opened here: one line of JSON a device. The
        fleet's file is in its place once it is whole. access.yaml lists hub.read-keys for it.
        """)
    @OptionGroup var connection: Connection
    @Argument(help: "The device ID; without one the whole fleet.") var id: String?
    @Option(help: "The private key of the one that was registered for the hub, PEM.", completion: .file())
    var sealKey: String?
    @Flag(help: "In plain, by TLS alone: access.yaml lists hub.read-keys-plain for it too.") var plain = false
    @Option(
      help: "The ledger's verifier key, trust/ledger.vkey; else what the service says.", completion: .file())
    var ledgerKey: String?
    @Option(help: "Where it is written, mode 0600; - for standard output.", completion: .file()) var out: String

    func validate() throws {
      guard (sealKey == nil) == plain else {
        throw ValidationError("expected either --seal-key or --plain")
      }
    }

    func run() async throws {
      try ProcessHardening.apply()
      let hub = try HubIdentity(file: try connection.identityFile()).hub
      let pinned = try ledgerKey.map { try readText($0).trimmingCharacters(in: .whitespacesAndNewlines) }
      let opener = CredentialOpener(hub: hub, key: try sealKey.map(readSealKey), verifier: pinned)
      let file = out == "-" ? nil : try CredentialFile(out)
      let count = try await connection.withClient { client in
        try await read(client, opener) { line in
          if let file { try file.add(line) } else { try StandardOutput.write(line) }
        }
      }
      guard let file else { return }
      try file.finish()
      print("\(count) \(count == 1 ? "device" : "devices") \(out)")
    }

    /// How many devices there were.
    private func read(
      _ client: APIClient, _ opener: CredentialOpener, each: ([UInt8]) throws -> Void
    ) async throws -> Int {
      let query = "keys=\(plain ? KeyReading.plain.rawValue : KeyReading.sealed.rawValue)"
      guard let id else {
        var fleet = FleetLines(opener: opener)
        try await client.download("/v1/hub/credentials?\(query)") { try fleet.take($0, each: each) }
        return try fleet.end()
      }
      let head = try await client.bytes("/v1/hub/devices", query: [("limit", "1")]).split(separator: UInt8(ascii: "\n"))
      let key = try head.first.map { try JSONDecoder().decode(SnapshotHead.self, from: Data($0)).key }
      let device = try await client.bytes("/v1/hub/devices/\(segment(id))/credentials?\(query)")
      try each(try opener.opened(device, of: try opener.ledger(key ?? "")))
      return 1
    }
  }
}

/// Opens what a service sealed to the hub.
struct CredentialOpener {
  let hub: RecordID
  /// nil where keys come in plain.
  let key: P256.KeyAgreement.PrivateKey?
  /// The ledger's verifier key; nil for the one that the service shows.
  let verifier: String?

  /// `shown` is the verifier key by the service's word.
  func ledger(_ shown: String) throws -> String { try CheckpointVerifier(key: verifier ?? shown).origin.ledger }

  /// A device's line with its keys in plain.
  func opened(_ line: some Sequence<UInt8>, of ledger: String) throws -> [UInt8] {
    var device: HubDevice
    do { device = try JSONDecoder().decode(HubDevice.self, from: Data(line)) } catch {
      throw CommandFailure("expected a device of this version's API, found another: \(error)")
    }
    if let key, let sealed = device.sealedKeys {
      device.sealedKeys = nil
      try fill(&device, try open(sealed, key, device, ledger))
    }
    guard device.keys.allSatisfy({ $0.key != nil }) else {
      throw CommandFailure("expected the keys of \(device.deviceID), found them neither sealed nor in plain")
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return [UInt8](try encoder.encode(device))
  }

  private func open(
    _ sealed: SealedKeys, _ key: P256.KeyAgreement.PrivateKey, _ device: HubDevice, _ ledger: String
  ) throws -> [DeviceKey] {
    guard sealed.sealKey == SealKey(of: key).digest.hex else {
      throw CommandFailure(
        "expected keys sealed to \(SealKey(of: key).digest.hex), found them sealed to \(sealed.sealKey): the hub's key was "
          + "registered anew")
    }
    do { return try sealed.open(with: key, device.context(hub: hub, ledger: ledger)) } catch {
      throw CommandFailure(
        "expected the keys of \(device.deviceID), sealed by this ledger's service to this hub, found something else")
    }
  }

  private func fill(_ device: inout HubDevice, _ keys: [DeviceKey]) throws {
    for (index, key) in keys.enumerated() {
      device.keys[index].key = key.text.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
  }
}

/// The lines of a whole fleet, as they come: the head, the devices, and their number.
struct FleetLines {
  let opener: CredentialOpener
  private var pending: [UInt8] = []
  private var ledger: String?
  private var count = 0
  private var told: Int?

  /// In bytes: more is no line.
  private static let limit = 1 << 18

  init(opener: CredentialOpener) { self.opener = opener }

  mutating func take(_ piece: [UInt8], each: ([UInt8]) throws -> Void) throws {
    var lines = (pending + piece).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    pending = Array(lines.removeLast())
    guard pending.count <= FleetLines.limit else { throw CommandFailure("expected a line of a device, found no end") }
    for line in lines { try take(line: line, each) }
  }

  private mutating func take(line: ArraySlice<UInt8>, _ each: ([UInt8]) throws -> Void) throws {
    guard let ledger else {
      guard let head = try? JSONDecoder().decode(SnapshotHead.self, from: Data(line)) else {
        throw CommandFailure("expected a fleet of this version's API, found something else")
      }
      return ledger = try opener.ledger(head.key)
    }
    guard told == nil else { throw CommandFailure("expected nothing behind the fleet's end, found more") }
    if let end = try? JSONDecoder().decode(SnapshotEnd.self, from: Data(line)) { return told = end.devices }
    try each(try opener.opened(line, of: ledger))
    count += 1
  }

  /// How many devices there were. Throws where some are missing.
  func end() throws -> Int {
    guard told == count, pending.isEmpty else {
      throw CommandFailure("expected the fleet to its end, found it cut off after \(count) devices: try again")
    }
    return count
  }
}

/// Secrets, a line each, in a file beside the one that is meant, and in its place once they are all there.
struct CredentialFile {
  private let path: String
  private let file: AppendFile

  init(_ path: String) throws {
    self.path = path
    file = try AppendFile(path + ".new")
    try file.clear()
  }

  func add(_ line: [UInt8]) throws { try file.append(line + [UInt8(ascii: "\n")]) }

  func finish() throws {
    try file.sync()
    guard rename(file.path, path) == 0 else {
      throw CommandFailure("expected to write \(path), found: \(systemError())")
    }
    try syncFolder(URL(fileURLWithPath: path).deletingLastPathComponent().path)
  }
}
