import SwiftASN1
import TPMCommands
import TPMDevice

/// A TPM's key in a file as other programs take it too, tpm2-openssl among them (ASN.1 Specification for TPM 2.0 Key Files,
/// `TSS2 PRIVATE KEY`). The private part is encrypted by the TPM that made it, and of use to no other.
enum TSS2PrivateKey {
  private static let label = "TSS2 PRIVATE KEY"
  /// id-loadablekey (2.23.133.10.1.3), emptyAuth, and as its parent TPM_RH_OWNER: the storage key that is made anew of the
  /// owner's hierarchy.
  private static let head: [UInt8] = [
    0x06, 0x06, 0x67, 0x81, 0x05, 0x0a, 0x01, 0x03, 0xa0, 0x03, 0x01, 0x01, 0xff, 0x02, 0x04, 0x40, 0x00, 0x00, 0x01,
  ]

  static func pem(_ blob: TPMKeyBlob) -> [UInt8] {
    Array((PEMDocument(type: label, derBytes: der(blob)).pemString + "\n").utf8)
  }

  /// nil for what is no such file of ours.
  static func read(_ pem: [UInt8]) -> TPMKeyBlob? {
    guard let document = try? PEMDocument(pemString: String(decoding: pem, as: UTF8.self)),
      document.discriminator == label, let root = try? DER.parse(document.derBytes),
      case .constructed(let nodes) = root.content
    else { return nil }
    let parts = Array(nodes)
    guard parts.count == 5, case .primitive(let publicArea) = parts[3].content,
      case .primitive(let privatePart) = parts[4].content
    else { return nil }
    let blob = TPMKeyBlob(privatePart: Array(privatePart), publicArea: Array(publicArea))
    return der(blob) == document.derBytes ? blob : nil
  }

  private static func der(_ blob: TPMKeyBlob) -> [UInt8] {
    DERText.sequence(head + DERText.element(0x04, blob.publicArea) + DERText.element(0x04, blob.privatePart))
  }
}
