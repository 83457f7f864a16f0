import Crypto
import Foundation
import SwiftASN1
import X509

/// The device's certificate and its issuers', as they lie in the state folder.
struct DeviceCertificate {
  let chain: [Certificate]
  var leaf: Certificate { chain[0] }

  init(pem: [UInt8]) throws(DeviceFailure) {
    do {
      chain = try PEMDocument.parseMultiple(pemString: String(decoding: pem, as: UTF8.self)).map {
        try Certificate(derEncoded: $0.derBytes)
      }
    } catch {
      throw DeviceFailure("expected certificates in PEM, found something else: \(error)")
    }
    guard !chain.isEmpty else { throw DeviceFailure("expected a certificate, found none") }
  }

  /// nil before the enrollment.
  static func read(_ folder: StateFolder) throws(DeviceFailure) -> DeviceCertificate? {
    guard let bytes = try folder.read(.certificate) else { return nil }
    return try DeviceCertificate(pem: bytes)
  }

  /// Who is given another's certificate would show what it cannot prove.
  func require(_ key: P256.Signing.PublicKey) throws(DeviceFailure) {
    guard leaf.publicKey == Certificate.PublicKey(key) else {
      throw DeviceFailure("expected a certificate of this device's key, found another key's")
    }
  }

  /// The last common name of the subject: the device ID.
  var deviceID: String {
    leaf.subject.lazy.flatMap { $0 }.last { $0.type == [2, 5, 4, 3] }?.value.description ?? ""
  }

  var serial: String { leaf.serialNumber.bytes.map { String(format: "%02x", $0) }.joined() }

  func isValid(at time: Date) -> Bool { leaf.notValidBefore <= time && time < leaf.notValidAfter }

  /// From two thirds of its time on.
  var renewalDue: Date {
    leaf.notValidBefore + leaf.notValidAfter.timeIntervalSince(leaf.notValidBefore) * 2 / 3
  }
}
