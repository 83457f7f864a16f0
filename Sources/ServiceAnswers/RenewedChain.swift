import SwiftASN1
import X509

/// A renewed certificate with its issuer's, found among the service's CAs by its name.
public enum RenewedChain {
  /// PEM, the device's first.
  public static func pem(_ leaf: [UInt8], _ authorities: [[UInt8]]) throws(UnreadableAnswer) -> [UInt8] {
    guard let issuer = try? Certificate(derEncoded: leaf).issuer else {
      throw UnreadableAnswer("expected a certificate of the service, found something else")
    }
    let found = authorities.filter { der in
      guard let certificate = try? Certificate(derEncoded: der) else { return false }
      return certificate.subject == issuer && certificate.subject != certificate.issuer
    }
    guard !found.isEmpty else {
      throw UnreadableAnswer("expected the certificate's issuer among the service's, found none")
    }
    let documents = ([leaf] + found).map { PEMDocument(type: "CERTIFICATE", derBytes: $0).pemString + "\n" }
    return Array(documents.joined().utf8)
  }
}
