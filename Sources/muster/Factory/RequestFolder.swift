import Foundation
import Manifests
import MusterModel
import SwiftASN1

/// Requests that boards made themselves, a file for each: `<device ID>.csr` or `<hardware ID>.csr`, PKCS #10 in PEM or DER.
struct RequestFolder: Sendable {
  let path: String

  /// In bytes: a request of the longest that a manifest takes, in PEM.
  private static let sizeLimit = 2 * ManifestRow.requestLimit

  init(_ path: String) throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
      throw CommandFailure("expected a folder of requests, found none at \(path)", status: 2)
    }
    self.path = path
  }

  /// The row with its request. One that has none is refused: where boards make their keys, none is made for them.
  func completing(_ line: ManifestLine) -> ManifestLine {
    guard case .row(let row) = line, row.request == nil else { return line }
    guard let bytes = bytes(of: row) else {
      return .fault(
        ManifestFault(
          line: row.line, code: "csr-missing",
          reason: "expected a request in \(row.deviceID).csr or \(row.hardware).csr, found neither", cells: row.cells))
    }
    guard let der = RequestFolder.der(bytes) else {
      return .fault(
        ManifestFault(
          line: row.line, code: "csr-malformed",
          reason: "expected a certificate request in PEM or DER of at most \(ManifestRow.requestLimit) bytes, found "
            + "something else in the file of \(row.deviceID)", cells: row.cells))
    }
    return .row(row.with(request: der))
  }

  private func bytes(of row: ManifestRow) -> [UInt8]? {
    for name in [row.deviceID.text, row.hardware.description] {
      guard let file = FileHandle(forReadingAtPath: "\(path)/\(name).csr") else { continue }
      return [UInt8]((try? file.read(upToCount: RequestFolder.sizeLimit + 1)) ?? Data())
    }
    return nil
  }

  private static func der(_ bytes: [UInt8]) -> [UInt8]? {
    guard bytes.count <= sizeLimit else { return nil }
    // A DER request is a SEQUENCE.
    if bytes.first == 0x30 { return bytes.count <= ManifestRow.requestLimit ? bytes : nil }
    guard let document = try? PEMDocument(pemString: String(decoding: bytes, as: UTF8.self)),
      ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"].contains(document.discriminator),
      document.derBytes.count <= ManifestRow.requestLimit
    else { return nil }
    return document.derBytes
  }
}
