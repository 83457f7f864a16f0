public import CertificateAuthority
import KeyVault
public import MusterModel

/// Makes a signer over a CA's key that is kept outside of this process. `purpose` is where it is kept, one of `VaultSecret`'s,
/// and `reference` what finds it there. Nothing is asked of what keeps it before it has to sign.
public typealias KeptSigner =
  @Sendable (
    _ purpose: String, _ reference: SecretBytes, _ publicKey: SubjectPublicKey
  ) throws -> any Signer

// MARK: - The keys below the vault

extension VaultAdministration {
  /// Loads the issuing CAs' keys and their responders', once the vault is unsealed.
  public func load() async throws {
    var issuers: [Issuer] = []
    let keys = try await sealed(VaultSecret.signingKeys)
    for record in try await reader.issuers() where record.revoked == nil {
      guard let key = record.key, let sealed = keys[key] else { continue }
      let signer = try signer(of: record, try instance.vault.open(sealed), sealed.purpose)
      issuers.append(try Issuer(certificate: record.der, use: record.use, signer: signer, points: points))
    }
    instance.authorities.unseal(issuers, responders: try await responders(of: issuers))
  }

  private func signer(of record: IssuerRecord, _ secret: SecretBytes, _ purpose: String) throws -> any Signer {
    guard purpose != VaultSecret.signingKey else { return try SoftwareSigner(.p256, scalar: secret) }
    return try keptSigner(purpose, secret, try Issuer.publicKey(of: record.der))
  }

  private func responders(of issuers: [Issuer]) async throws -> [String: OCSPResponder] {
    let keys = try await sealed([VaultSecret.responderKey])
    let profile = instance.policies.permitOCSPResponder(by: .service).profile
    var responders: [String: OCSPResponder] = [:]
    for issuer in issuers {
      guard let certificate = try await reader.ownCertificate(profile: profile, issuerKeyID: issuer.keyID),
        let key = keys[certificate.record]
      else { continue }
      let signer = try SoftwareSigner(.p256, scalar: try instance.vault.open(key))
      responders[issuer.keyID] = try OCSPResponder(issuer: issuer, certificate: certificate.der, signer: signer)
    }
    return responders
  }

  private func sealed(_ purposes: [String]) async throws -> [RecordID: SealedSecret] {
    var found: [RecordID: SealedSecret] = [:]
    for purpose in purposes {
      for secret in try await reader.secrets(purpose: purpose) { found[secret.owner] = secret }
    }
    return found
  }
}

extension VaultSecret {
  fileprivate static let signingKeys = [signingKey, tpmSigningKey, pkcs11SigningKey]
}
