import MusterModel
import SwiftASN1

/// A PKCS #10 request (RFC 2986), read strictly and checked.
public enum CertificateRequest {
  /// The longest request, in bytes of DER. An RSA 4096 request with a few names has about 2 KiB.
  public static let sizeLimit = 16 * 1024
  static let attributeLimit = 16
  static let extensionLimit = 32

  /// Reads a request, holds its key to the rules, and checks that whoever made it holds the private key. The order is
  /// by cost: nothing is verified before the key is known to be sound.
  public static func verify(_ der: [UInt8], blocked: BlockedKeys) -> Result<VerifiedRequest, RequestRefusal> {
    guard der.count <= sizeLimit else { return .failure(.tooLarge(der.count)) }
    do {
      let request = try read(der)
      guard !blocked.contains(request.verified.key.digest) else { return .failure(.keyBlocked) }
      let key = request.verified.key
      guard key.fits(request.algorithm) else {
        return .failure(.signatureAlgorithm("\(request.algorithm) with a key of \(key.algorithm.rawValue)"))
      }
      guard key.isValid(request.signature, over: request.signed, request.algorithm) else {
        return .failure(.possession)
      }
      return .success(request.verified)
    } catch let refusal as RequestRefusal {
      return .failure(refusal)
    } catch {
      return .failure(.malformed("\(error)"))
    }
  }

  private struct Unverified {
    let verified: VerifiedRequest
    let signed: ArraySlice<UInt8>
    let algorithm: SignatureAlgorithm
    let signature: ArraySlice<UInt8>
  }

  private static func read(_ der: [UInt8]) throws -> Unverified {
    var fields = try Fields(of: ASN1Node.parse(der[...], "a request"), "a request")
    let info = try fields.take("what is signed")
    let algorithm = try fields.take("the signature algorithm")
    let signature = try fields.take("the signature").wholeBits("the signature")
    try fields.end()
    return Unverified(
      verified: try readInfo(info, der: der), signed: info.encodedBytes, algorithm: try signatureAlgorithm(algorithm),
      signature: signature)
  }

  private static func signatureAlgorithm(_ node: ASN1Node) throws -> SignatureAlgorithm {
    if let algorithm = SignatureAlgorithm(der: node.encodedBytes) { return algorithm }
    var fields = try Fields(of: node, "the signature algorithm")
    let identifier = try fields.take("its identifier").objectIdentifier("the signature algorithm")
    throw RequestRefusal.signatureAlgorithm(dotted(identifier))
  }

  private static func readInfo(_ node: ASN1Node, der: [UInt8]) throws -> VerifiedRequest {
    var fields = try Fields(of: node, "what is signed of a request")
    let version = try fields.take("the version").magnitude("the version")
    guard version.isEmpty else {
      throw RequestRefusal.version(version.prefix(4).reduce(0) { $0 << 8 | Int($1) })
    }
    let subject = try DistinguishedName(fields.take("the subject"))
    let key = try SubjectPublicKey(fields.take("the key"))
    let extensions = try RequestAttributes.extensions(fields.take("the attributes"))
    try fields.end()
    return VerifiedRequest(der: der, key: key, subject: subject, extensions: extensions)
  }
}
