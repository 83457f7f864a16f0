import Crypto
import Foundation
import MusterModel
import X509

/// A device as the service answered it.
struct MadeDevice: Sendable {
  let board: PendingBoard
  let record: String
  let generation: UInt64
  let serial: String
  let certificate: [UInt8]
  let notBefore: Timestamp
  let notAfter: String
  let position: UInt64
  /// The line of the event there.
  let event: [UInt8]

  /// nil where the line is not the answer to this board, or certifies another key than its own.
  init?(_ line: FlatObject, for board: PendingBoard) {
    guard line.text("deviceID") == board.row.deviceID.text, let record = line.text("device"),
      let generation = line.number("generation"), let serial = line.text("serial"),
      let notAfter = line.text("notAfter"), let position = line.number("position"),
      let der = line.text("certificate").flatMap({ Data(base64Encoded: $0) }),
      let event = line.text("event").flatMap({ Data(base64Encoded: $0) }),
      let certificate = try? Certificate(derEncoded: [UInt8](der)), certificate.publicKey == board.publicKey
    else { return nil }
    self.board = board
    self.record = record
    self.generation = generation
    self.serial = serial
    self.certificate = [UInt8](der)
    notBefore = Timestamp(milliseconds: Int64(certificate.notValidBefore.timeIntervalSince1970 * 1000))
    self.notAfter = notAfter
    self.position = position
    self.event = [UInt8](event)
  }
}

extension PendingBoard {
  fileprivate var publicKey: Certificate.PublicKey? {
    if let key { return Certificate.PublicKey(key.publicKey) }
    return try? CertificateSigningRequest(derEncoded: request).publicKey
  }
}

/// With the proof that the ledger holds its certificate's event.
struct ProvedDevice: Sendable {
  let made: MadeDevice
  /// C2SP's tlog-proof.
  let proof: String
}

/// What is the same for every device of a run.
struct RunFacts: Sendable {
  let order: RecordName
  let batch: RecordID
  let group: String?
  let hub: String?
  let hubHost: String?
  let server: String
  /// In PEM, above the devices' certificates.
  let issuers: String
  let trustAnchor: String
}
