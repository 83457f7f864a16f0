public import CertificateAuthority
import Crypto
import Foundation
public import MusterModel
import TPMCommands

/// CAs' keys in the TPM: P-256, ECDSA with SHA-256. What lies outside is a blob that this TPM alone can read.
extension TPMKeeper {
  /// Makes one, of which the TPM alone has the private part. Blocks.
  public func makeSigningKey() throws -> IssuingKey {
    let blob = try with { (tpm) throws(TPMFailure) in try tpm.makeDeviceKey(under: try tpm.storageKey()) }
    guard let point = blob.point, let key = try? P256.Signing.PublicKey(rawRepresentation: point) else {
      throw KeyKeeperFailure(.refused, "expected a P-256 key of the TPM, found another")
    }
    let publicKey = try SubjectPublicKey.check(key.derRepresentation, blocked: .none).get()
    return IssuingKey(signer: signer(blob, publicKey), secret: SecretBytes(copying: blob.privatePart + blob.publicArea))
  }

  /// Over a key that was made so; `reference` is its blob, TPM2B_PRIVATE and TPM2B_PUBLIC. Asks nothing of the TPM.
  public func signer(_ reference: SecretBytes, of publicKey: SubjectPublicKey) throws -> any Signer {
    guard let blob = TPMKeyBlob(reference.withUnsafeBytes(Array.init)) else {
      throw KeyKeeperFailure(.lost, "expected a key of the TPM, found other bytes")
    }
    return signer(blob, publicKey)
  }

  private func signer(_ blob: TPMKeyBlob, _ publicKey: SubjectPublicKey) -> any Signer {
    uses(blob)
    return BlockingSigner(publicKey: publicKey, algorithm: .ecdsaWithSHA256) { [self] bytes in
      let digest = Array(SHA256.hash(data: bytes))
      let raw = try with { (tpm) throws(TPMFailure) in
        try tpm.sign(digest, with: try tpm.load(blob, keptIn: contexts))
      }
      return Array(try P256.Signing.ECDSASignature(rawRepresentation: raw).derRepresentation)
    }
  }
}
