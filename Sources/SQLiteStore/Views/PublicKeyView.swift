import CertificateAuthority
import MusterModel

/// Whose a public key is, for ever.
enum PublicKeyView: Projection {
  static func register(in projections: inout Projections) {
    projections.on(CertificateIssued.self, issued)
  }

  private static func issued(_ event: Recorded<CertificateIssued>, _ db: Connection) throws(StoreError) {
    let facts = event.body.issued
    let isNew = try db.inserts(
      "INSERT OR IGNORE INTO public_key(digest, owner, position) VALUES (?, ?, ?)", facts.publicKey, facts.subject,
      event.origin.position)
    guard !isNew else { return }
    guard
      try db.exists(
        "SELECT 1 FROM public_key WHERE digest = ? AND owner IS ?", facts.publicKey, facts.subject)
    else { throw .conflict("a public key of another record") }
  }
}
