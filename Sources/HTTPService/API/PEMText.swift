import SwiftASN1

/// Certificates as text (RFC 7468).
enum PEMText {
  static func certificate(_ der: [UInt8]) -> String {
    PEMDocument(type: "CERTIFICATE", derBytes: der).pemString + "\n"
  }

  /// The DER of each certificate of `texts`, of which there may be several in one.
  static func certificates(_ texts: [String]) throws(Problem) -> [[UInt8]] {
    var certificates: [[UInt8]] = []
    for text in texts {
      guard let documents = try? PEMDocument.parseMultiple(pemString: text), !documents.isEmpty,
        documents.allSatisfy({ $0.discriminator == "CERTIFICATE" })
      else { throw .badRequest("certificate-malformed", "expected certificates in PEM, found something else") }
      certificates += documents.map(\.derBytes)
    }
    return certificates
  }
}
