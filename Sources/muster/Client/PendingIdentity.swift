import Crypto
import Foundation
import MusterModel
import SwiftASN1

/// A key that was made here and the request for its certificate, on disk before anyone is asked: what the service
/// issued and could not tell is asked for again with the very same bytes.
struct PendingIdentity {
  let file: String
  let key: P256.Signing.PrivateKey
  /// PKCS #10, DER.
  let request: [UInt8]
  /// Whether nobody was asked about it before: where it is refused, no certificate can be out for it.
  let isNew: Bool

  /// The one that an attempt before left beside `out`, or a new one.
  static func at(_ out: String, commonName: String) throws -> PendingIdentity {
    let file = out + ".pending"
    if let kept = FileManager.default.contents(atPath: file) { return try PendingIdentity(file: file, pem: kept) }
    let peer = PeerKey()
    let pending = PendingIdentity(
      file: file, key: peer.key, request: try peer.request(commonName: commonName), isNew: true)
    try writeFile(file, pending.pem.utf8, mode: 0o600)
    return pending
  }

  func remove() { try? FileManager.default.removeItem(atPath: file) }

  private init(file: String, key: P256.Signing.PrivateKey, request: [UInt8], isNew: Bool) {
    self.file = file
    self.key = key
    self.request = request
    self.isNew = isNew
  }

  private init(file: String, pem: Data) throws {
    let documents = try? PEMDocument.parseMultiple(pemString: String(decoding: pem, as: UTF8.self))
    guard let documents, documents.count == 2, documents[0].discriminator == PendingIdentity.requestType,
      let key = try? P256.Signing.PrivateKey(pemRepresentation: documents[1].pemString)
    else {
      throw CommandFailure("expected a request and its key in \(file), found something else: remove it and try again")
    }
    self.init(file: file, key: key, request: documents[0].derBytes, isNew: false)
  }

  private var pem: String {
    PEMDocument(type: PendingIdentity.requestType, derBytes: request).pemString + "\n" + PEM.privateKey(key)
  }

  private static let requestType = "CERTIFICATE REQUEST"
}
