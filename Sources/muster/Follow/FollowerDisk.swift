import Crypto
import Foundation
import HubAccess
import MusterModel
import SwiftASN1
import X509

/// Where a follower keeps what it enforces: `state.json`, written whole, and the ledger's verifier key.
struct FollowerDisk {
  let path: String

  init(_ path: String) throws {
    self.path = path.hasSuffix("/") ? String(path.dropLast()) : path
    do {
      try FileManager.default.createDirectory(
        atPath: self.path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw CommandFailure("expected to make the folder \(path), found: \(error.localizedDescription)")
    }
  }

  /// nil where nothing is followed yet.
  func state() throws -> FollowerState? {
    guard let data = FileManager.default.contents(atPath: path + "/state.json") else { return nil }
    do {
      return try JSONDecoder().decode(FollowerState.self, from: data)
    } catch {
      throw CommandFailure("expected a follower's state in \(path)/state.json, found something else: \(error)")
    }
  }

  func keep(_ state: FollowerState) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    try writeFile(path + "/state.json", try encoder.encode(state), mode: 0o600)
  }

  func key() throws -> String? {
    FileManager.default.contents(atPath: path + "/ledger.vkey").map {
      String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
  }

  func keep(key: String) throws { try writeFile(path + "/ledger.vkey", Array((key + "\n").utf8), mode: 0o644) }
}

/// A hub's identity file: which hub it is, and the key that signs its receipts.
struct HubIdentity {
  let hub: RecordID
  let key: P256.Signing.PrivateKey

  init(file: String) throws {
    guard let data = FileManager.default.contents(atPath: file),
      let documents = try? PEMDocument.parseMultiple(pemString: String(decoding: data, as: UTF8.self)),
      let certificate = documents.first(where: { $0.discriminator == "CERTIFICATE" }),
      let secret = documents.first(where: { $0.discriminator.hasSuffix("PRIVATE KEY") }),
      let key = try? P256.Signing.PrivateKey(pemRepresentation: secret.pemString)
    else { throw CommandFailure("expected a hub's certificate and its P-256 key in \(file), found something else") }
    self.key = key
    hub = try HubIdentity.record(in: certificate.derBytes, file)
  }

  /// `spiffe://<trust domain>/hub/<record ID>`.
  private static func record(in der: [UInt8], _ file: String) throws -> RecordID {
    let names = try Certificate(derEncoded: der).extensions.subjectAlternativeNames
    for case .uniformResourceIdentifier(let uri) in names ?? SubjectAlternativeNames() {
      let parts = uri.split(separator: "/")
      if parts.count == 4, parts[2] == "hub", let record = RecordID(parts[3]) { return record }
    }
    throw CommandFailure("expected a hub's certificate in \(file), found another's; make one: muster hub add")
  }
}
