import Attestation
import Enrollment
import MusterModel

// CROSS JOIN: from the few to the many, whatever SQLite believes of their numbers.

extension Snapshot {
  func tpmMakers() throws(StoreError) -> TPMMakersSnapshot {
    TPMMakersSnapshot(
      version: try version(of: .tpmMakers),
      certificates: try db.all(
        """
        SELECT attachment.bytes FROM tpm_maker CROSS JOIN attachment
          ON attachment.id BETWEEN tpm_maker.position * 1024 AND tpm_maker.position * 1024 + 1023
          AND attachment.digest = tpm_maker.digest
        ORDER BY tpm_maker.id
        """
      ) { (row) throws(StoreError) in row.bytes(0) })
  }

  func tpmMakers(_ request: PageRequest) throws -> Page<MakerSummary> {
    request.page(
      try db.all(
        """
        SELECT tpm_maker.id, added_at, attachment.bytes FROM tpm_maker CROSS JOIN attachment
          ON attachment.id BETWEEN tpm_maker.position * 1024 AND tpm_maker.position * 1024 + 1023
          AND attachment.digest = tpm_maker.digest
        WHERE tpm_maker.id > ? ORDER BY tpm_maker.id LIMIT ?
        """, try request.start(), request.probe
      ) { (row) throws(StoreError) in
        guard case .success(let issuer) = MakerIssuer.parse(row.bytes(2)) else {
          throw .damaged("a TPM maker's certificate that is none")
        }
        return Placed(place: row.int(0), summary: MakerSummary(issuer, imported: row.time(1)))
      })
  }
}
