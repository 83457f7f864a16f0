public import Foundation
import SwiftASN1

/// A certs-only CMS message in base64, as EST answers (RFC 7030 §4.1.3, RFC 8951 §3): the certificates in it, DER, in order.
public enum CertificatesOnly {
  public static func read(_ body: Data) throws(UnreadableAnswer) -> [[UInt8]] {
    guard let der = Data(base64Encoded: body, options: .ignoreUnknownCharacters),
      let certificates = try? certificates(Array(der)), !certificates.isEmpty
    else { throw UnreadableAnswer("expected certificates of the service (RFC 7030 §4.1.3), found something else") }
    return certificates
  }

  /// ContentInfo { signedData, [0] SignedData { version, algorithms, content, [0] certificates, … } } (RFC 5652 §5.1).
  private static func certificates(_ der: [UInt8]) throws -> [[UInt8]] {
    let context0 = ASN1Identifier(tagWithNumber: 0, tagClass: .contextSpecific)
    let info = try child(of: try DER.parse(der), tagged: context0)
    let signed = try child(of: info, tagged: .sequence)
    let set = try child(of: signed, tagged: context0)
    return children(of: set).map { Array($0.encodedBytes) }
  }

  private static func children(of node: ASN1Node) -> [ASN1Node] {
    guard case .constructed(let nodes) = node.content else { return [] }
    return Array(nodes)
  }

  private static func child(of node: ASN1Node, tagged tag: ASN1Identifier) throws -> ASN1Node {
    guard let found = children(of: node).first(where: { $0.identifier == tag }) else {
      throw UnreadableAnswer("expected a CMS message, found another")
    }
    return found
  }
}
