import CertificateAuthority
import Enrollment
import KeyVault
import MusterModel
import Policy
import X509

/// The root CA, able to sign for as long as this is there: its key's sealed file and the recovery code are together.
struct OpenedRoot {
  let issuer: Issuer
  let signer: SoftwareSigner

  /// Another instance's key is refused, for it is not the certificate's.
  init(_ opened: OpenInstance, sealedKey: [UInt8], _ code: RecoveryCode) throws {
    do {
      signer = try SoftwareSigner(.p384, scalar: try OfflineRoot.open(sealedKey, with: code))
      issuer = try Issuer(
        certificate: opened.instance.authorities.root, use: .root, signer: signer, points: opened.points)
    } catch {
      throw CommandFailure("expected this instance's root key and its recovery code, found: \(error)")
    }
  }

  /// The O of its name.
  var organization: String? {
    get throws {
      try Certificate(derEncoded: issuer.certificate).subject.lazy.flatMap { $0 }
        .first { $0.type == .RDNAttributeType.organizationName }?.value.description
    }
  }
}

extension OpenInstance {
  /// What whoever holds the folder may do.
  func folderGrant(_ operation: Policy.Operation) async throws -> AccessGrant {
    switch try await Administration(instance).grant(operation, to: .folder()) {
    case .done(let grant): return grant
    case .refused(let refusal): throw CommandFailure("\(refusal.reason) (\(refusal.code))")
    }
  }
}
