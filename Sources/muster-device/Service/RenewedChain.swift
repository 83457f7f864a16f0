import SwiftASN1
import X509

/// A renewed certificate with its issuer's, found among the service's CAs by its name.
enum RenewedChain {
  /// PEM, the device's first.
  static func pem(_ leaf: [UInt8], _ authorities: [[UInt8]]) throws -> [UInt8] {
    let issuer = try Certificate(derEncoded: leaf).issuer
    let found = authorities.filter { der in
      guard let certificate = try? Certificate(derEncoded: der) else { return false }
      return certificate.subject == issuer && certificate.subject != certificate.issuer
    }
    guard !found.isEmpty else {
      throw DeviceFailure("expected the certificate's issuer among the service's, found none")
    }
    let documents = ([leaf] + found).map { PEMDocument(type: "CERTIFICATE", derBytes: $0).pemString + "\n" }
    return Array(documents.joined().utf8)
  }
}
