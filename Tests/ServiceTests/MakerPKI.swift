import Foundation
import MusterModel
import MusterTesting
import SwiftASN1
import Testing

@testable import muster

/// A maker of boards, by openssl: its root, and one board's IDevID (IEEE 802.1AR) with its serial number.
struct MakerPKI {
  let root: String
  let leaf: String
  let key: String
  private let folder: ScratchFolder
  private let rootKey: String

  private static let p256 = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]

  init(_ folder: ScratchFolder, named name: String = "maker") async throws {
    self.folder = folder
    root = folder.file("\(name).pem")
    leaf = folder.file("\(name)-idevid.pem")
    key = folder.file("\(name)-idevid.key")
    rootKey = folder.file("\(name).key")
    _ = try await run(
      "openssl",
      ["req", "-x509"] + MakerPKI.p256 + [
        "-subj", "/O=Maker/CN=Maker Root", "-days", "3650", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        "-keyout", rootKey, "-out", root,
      ]
    ).succeeded()
    try await make("SN-0001", leaf, key)
  }

  private func make(_ serial: String, _ leaf: String, _ key: String) async throws {
    _ = try await run(
      "openssl",
      ["req", "-x509"] + MakerPKI.p256 + [
        "-subj", "/O=Maker/CN=board/serialNumber=\(serial)", "-days", "3650", "-CA", root, "-CAkey",
        rootKey, "-addext", "basicConstraints=critical,CA:FALSE", "-addext",
        "keyUsage=critical,digitalSignature", "-keyout", key, "-out", leaf,
      ]
    ).succeeded()
  }

  /// Another board; its identity file.
  func board(_ serial: String) async throws -> String {
    let (leaf, key) = (folder.file("\(serial).crt"), folder.file("\(serial).key"))
    try await make(serial, leaf, key)
    let pem = try String(contentsOfFile: leaf, encoding: .utf8) + String(contentsOfFile: key, encoding: .utf8)
    return try folder.write(pem, to: "\(serial).pem")
  }

  /// The hardware ID that a board's certificate shows.
  func hardware(_ serial: String) throws -> String {
    let document = try PEMDocument(pemString: String(contentsOfFile: root, encoding: .utf8))
    return "idevid:\(try publicKeyDigest(document.derBytes).hex).\(serial)"
  }
}
