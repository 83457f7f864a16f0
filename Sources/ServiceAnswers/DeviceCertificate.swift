public import Crypto
public import Foundation
import SwiftASN1
public import X509

/// The device's certificate and its issuers', as the service gave them and the state folder has them.
public struct DeviceCertificate: Sendable {
  public let chain: [Certificate]
  public var leaf: Certificate { chain[0] }

  public init(pem: [UInt8]) throws(UnreadableAnswer) {
    do {
      chain = try PEMDocument.parseMultiple(pemString: String(decoding: pem, as: UTF8.self)).map {
        try Certificate(derEncoded: $0.derBytes)
      }
    } catch {
      throw UnreadableAnswer("expected certificates in PEM, found something else: \(printable("\(error)"))")
    }
    guard !chain.isEmpty else { throw UnreadableAnswer("expected a certificate, found none") }
  }

  /// Who is given another's certificate would show what it cannot prove.
  public func require(_ key: P256.Signing.PublicKey) throws(UnreadableAnswer) {
    guard leaf.publicKey == Certificate.PublicKey(key) else {
      throw UnreadableAnswer("expected a certificate of this device's key, found another key's")
    }
  }

  /// The last common name of the subject: the device ID.
  public var deviceID: String {
    printable(leaf.subject.lazy.flatMap { $0 }.last { $0.type == [2, 5, 4, 3] }?.value.description ?? "")
  }

  /// Of the device's SPIFFE ID, `spiffe://<trust domain>/device/<device ID>`; nil where its profile leaves that out.
  public var trustDomain: String? {
    guard let names = try? leaf.extensions.subjectAlternativeNames else { return nil }
    for case .uniformResourceIdentifier(let uri) in names {
      let parts = uri.split(separator: "/", omittingEmptySubsequences: false)
      if parts.count == 5, parts[0] == "spiffe:", parts[3] == "device" { return printable(String(parts[2])) }
    }
    return nil
  }

  public var serial: String { leaf.serialNumber.bytes.map { String(format: "%02x", $0) }.joined() }

  public func isValid(at time: Date) -> Bool { leaf.notValidBefore <= time && time < leaf.notValidAfter }

  /// From two thirds of its time on.
  public var renewalDue: Date {
    leaf.notValidBefore + leaf.notValidAfter.timeIntervalSince(leaf.notValidBefore) * 2 / 3
  }
}
