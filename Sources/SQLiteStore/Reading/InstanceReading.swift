import CertificateAuthority
public import Enrollment
import Ledger
public import MusterModel
public import Policy

extension FolderStore: InstanceReader {
  public func instance() async throws -> InstanceRecord? {
    try await read { snapshot in
      let details = try snapshot.db.first("SELECT position FROM instance") { (row) throws(StoreError) in
        try snapshot.details(InstanceCreated.self, at: row.position(0))
      }
      return try snapshot.db.first("SELECT origin, epoch, trust_domain, publish_url FROM instance") {
        (row) throws(StoreError) in
        InstanceRecord(
          origin: row.text(0), epoch: try row.number(1), trustDomain: try row.parsed(2, TrustDomain(row.text(2))),
          publishURL: row.text(3), hostnames: details??.hostnames)
      }
    }
  }

  public func issuers() async throws -> [IssuerRecord] { try await read { try $0.issuers() } }

  public func certificatesInForce(ofIssuer keyID: String) async throws -> UInt64 {
    let now = clock.now()
    return try await read { snapshot in
      try snapshot.db.first(
        "SELECT count(*) FROM certificate_in_force WHERE issuer = ? AND subject IS NOT NULL AND until > ?", keyID, now
      ) { (row) throws(StoreError) in try row.position(0) } ?? 0
    }
  }

  public func policiesInForce() async throws -> [PoliciesActivated.File] {
    try await read { snapshot in
      try snapshot.db.all("SELECT name, digest FROM policy_file ORDER BY rowid") { (row) throws(StoreError) in
        PoliciesActivated.File(name: row.text(0), digest: try row.digest(1))
      }
    }
  }

  public func secrets(purpose: String) async throws -> [SealedSecret] {
    try await read { try $0.secrets(purpose: purpose) }
  }

  public func ownCertificate(profile: String, issuerKeyID: String) async throws -> CertificateSnapshot? {
    try await read { try $0.ownCertificate(profile: profile, issuer: issuerKeyID) }
  }
}

extension Snapshot {
  func issuers() throws(StoreError) -> [IssuerRecord] {
    try db.all(
      """
      SELECT use, key_id, key, attachment.bytes, issued, revoked_at FROM issuer LEFT JOIN attachment
        ON attachment.id BETWEEN issuer.position * 1024 AND issuer.position * 1024 + 1023
        AND attachment.digest = issuer.certificate
      ORDER BY issuer.id
      """
    ) { (row) throws(StoreError) in
      IssuerRecord(
        use: try row.value(0), keyID: row.text(1), key: try row.optional(2, Row.record), der: row.bytes(3),
        issued: try row.position(4), revoked: row.isNull(5) ? nil : row.time(5))
    }
  }

  /// The details of an event; nil where they were erased.
  func details<Body: EventBody>(_: Body.Type, at position: UInt64) throws(StoreError) -> Body.Details? {
    let bytes = try db.first("SELECT bytes FROM private_attachment WHERE position = ?", position) {
      (row) throws(StoreError) in row.bytes(0)
    }
    guard let bytes else { return nil }
    do {
      return try EventKind(Body.self).details(bytes) as? Body.Details
    } catch {
      throw .damaged("at position \(position): \(error)")
    }
  }
}

extension Snapshot {
  func secrets(purpose: String) throws(StoreError) -> [SealedSecret] {
    try db.all(
      "SELECT owner, version, bytes FROM secret WHERE purpose = ? ORDER BY owner, version", purpose
    ) { (row) throws(StoreError) in
      SealedSecret(owner: try row.record(0), purpose: purpose, version: try row.number(1), bytes: row.bytes(2))
    }
  }
}
