import Crypto
import MusterModel

@testable import CertificateAuthority

/// A request, part by part, so that each part can be wrong. Signed by a P-256 key unless `signature` says otherwise.
struct RequestBuilder {
  var version = TLV.integer(0)
  var subject = DistinguishedName.encode([(OID.commonName, "any")])
  var key = Array(RequestBuilder.privateKey.publicKey.derRepresentation)
  var attributes: [UInt8] = TLV.encode(0xa0, [])
  var algorithm = SignatureAlgorithm.ecdsaWithSHA256.der
  var signature: [UInt8]?

  static let privateKey = P256.Signing.PrivateKey()

  var der: [UInt8] {
    get throws {
      let info = TLV.sequence(version, subject, key, attributes)
      let signature = try signature ?? Array(Self.privateKey.signature(for: info).derRepresentation)
      return TLV.sequence(info, algorithm, TLV.bitString(signature))
    }
  }

  static func changed(_ change: (inout RequestBuilder) -> Void) throws -> [UInt8] {
    var builder = RequestBuilder()
    change(&builder)
    return try builder.der
  }

  static func attribute(_ type: [UInt8], _ values: [UInt8]...) -> [UInt8] {
    TLV.sequence(type, TLV.encode(0x31, values))
  }

  static func extensionRequest(_ extensions: [UInt8]...) -> [UInt8] {
    TLV.encode(0xa0, [attribute(OID.extensionRequest, TLV.encode(0x30, extensions))])
  }

  static func point(_ bits: [UInt8], curve: [UInt8] = OID.secp256r1) -> [UInt8] {
    TLV.sequence(TLV.sequence(OID.ecPublicKey, curve), TLV.bitString(bits))
  }

  static func edwards(_ bits: [UInt8]) -> [UInt8] { TLV.sequence(TLV.sequence(OID.ed25519), TLV.bitString(bits)) }
}

/// The refusal's code, or nil where the request is taken.
func refusal(_ der: [UInt8], blocked: BlockedKeys = .none) -> String? {
  switch CertificateRequest.verify(der, blocked: blocked) {
  case .success: nil
  case .failure(let refusal): refusal.code
  }
}
