import Foundation
import KeyVault
import MusterModel

/// A new folder with a new slot's shares, each in a file of its own: as text, or encrypted to its officer.
struct ShareFiles {
  let folder: String
  let quorum: Quorum
  /// Certificates in DER, one for each share; or none.
  private let officers: [[UInt8]]

  init(folder: String, _ quorum: Quorum, officers files: [String]) throws {
    guard files.isEmpty || files.count == Int(quorum.count) else {
      throw CommandFailure("expected --officer once for each of \(quorum.count) shares, found it \(files.count) times")
    }
    officers = try files.map { file in
      guard let content = FileManager.default.contents(atPath: file) else {
        throw CommandFailure("expected a certificate in \(file), found no file that can be read")
      }
      return try PEM.firstCertificate([UInt8](content))
    }
    guard Set(officers).count == officers.count else {
      throw CommandFailure("expected an officer for each share, found one twice")
    }
    self.folder = folder
    self.quorum = quorum
  }

  /// Throws where the folder is there already.
  func write(_ shares: [VaultShare]) throws {
    guard mkdir(folder, 0o700) == 0 else {
      throw CommandFailure("expected to make the folder \(folder), found: \(String(cString: strerror(errno)))")
    }
    do {
      for (index, share) in shares.enumerated() { try write(share, officers.isEmpty ? nil : officers[index]) }
    } catch {
      remove()
      throw error
    }
  }

  /// Takes the folder away again: its slot did not come to be.
  func remove() { try? FileManager.default.removeItem(atPath: folder) }

  private func write(_ share: VaultShare, _ officer: [UInt8]?) throws {
    let name = "\(folder)/share-\(share.slot)-\(share.number)"
    if let officer {
      let envelope = PEM.document("CMS", try OfficerEnvelope.seal(share, to: officer))
      return try writeFile("\(name).cms", envelope.utf8, mode: 0o600)
    }
    try share.text.withUnsafeBytes { text in
      var line = Array(text) + [UInt8(ascii: "\n")]
      defer { for index in line.indices { line[index] = 0 } }
      try writeFile("\(name).txt", line, mode: 0o600)
    }
  }
}
