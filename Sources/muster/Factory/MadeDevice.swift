import Crypto
import Foundation
import MusterModel
import X509

/// A device as the service answered it.
struct MadeDevice: Sendable {
  let board: PendingBoard
  let record: String
  let generation: UInt64
  let position: UInt64
  /// The line of the event there.
  let event: [UInt8]
  /// nil where it has symmetric keys alone.
  let certificate: Issued?
  let keys: DeviceKeysFile?

  struct Issued {
    let serial: String
    let der: [UInt8]
    let notBefore: Timestamp
    let notAfter: String
  }

  /// nil where the line is not the answer to this board, certifies another key than its own, or lacks what was asked for.
  init?(_ line: FlatObject, for board: PendingBoard) {
    guard line.text("deviceID") == board.row.deviceID.text, let record = line.text("device"),
      let generation = line.number("generation"), let position = line.number("position"),
      let event = line.text("event").flatMap({ Data(base64Encoded: $0) })
    else { return nil }
    self.board = board
    self.record = record
    self.generation = generation
    self.position = position
    self.event = [UInt8](event)
    certificate = board.credentials.hasCertificate ? Issued(line, for: board) : nil
    keys = board.credentials.hasKeys ? DeviceKeysFile(line) : nil
    guard (certificate != nil) == board.credentials.hasCertificate, (keys != nil) == board.credentials.hasKeys else {
      return nil
    }
  }
}

extension MadeDevice.Issued {
  fileprivate init?(_ line: FlatObject, for board: PendingBoard) {
    guard let serial = line.text("serial"), let notAfter = line.text("notAfter"),
      let der = line.text("certificate").flatMap({ Data(base64Encoded: $0) }),
      let certificate = try? Certificate(derEncoded: [UInt8](der)), certificate.publicKey == board.publicKey
    else { return nil }
    self.serial = serial
    self.der = [UInt8](der)
    notBefore = Timestamp(milliseconds: Int64(certificate.notValidBefore.timeIntervalSince1970 * 1000))
    self.notAfter = notAfter
  }
}

/// `device-keys.json`: both keys of a device, in base64.
struct DeviceKeysFile: CanonicalJSON {
  let primary: String
  let primaryVersion: UInt64
  let secondary: String
  let secondaryVersion: UInt64

  init?(_ line: FlatObject) {
    guard let primary = line.text("primary"), let secondary = line.text("secondary"),
      let primaryVersion = line.number("primaryVersion"), let secondaryVersion = line.number("secondaryVersion")
    else { return nil }
    self.primary = primary
    self.primaryVersion = primaryVersion
    self.secondary = secondary
    self.secondaryVersion = secondaryVersion
  }

  func write(to json: inout JSONWriter) {
    json.field("primary", primary)
    json.field("primaryVersion", number: primaryVersion)
    json.field("secondary", secondary)
    json.field("secondaryVersion", number: secondaryVersion)
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
