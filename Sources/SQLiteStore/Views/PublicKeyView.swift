import CertificateAuthority
import MusterModel

/// Whose a public key is, for ever.
enum PublicKeyView: Projection {
  static func register(in projections: inout Projections) {
    projections.on(CertificateIssued.self, issued)
  }

  private static func issued(_ event: Recorded<CertificateIssued>, _ db: Connection) throws(StoreError) {
    let facts = event.body.issued
    let owners = try db.all("SELECT owner FROM public_key WHERE digest = ?", facts.publicKey) {
      (row) throws(StoreError) in try row.optional(0, Row.record)
    }
    guard let owner = owners.first else {
      try db.run(
        "INSERT INTO public_key(digest, owner, position) VALUES (?, ?, ?)", facts.publicKey, facts.subject,
        event.origin.position)
      return
    }
    guard owner == facts.subject else { throw .conflict("a public key of another record") }
  }
}
