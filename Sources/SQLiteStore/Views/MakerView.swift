import Attestation
import MusterModel

/// The certificates of TPM makers that are trusted.
enum MakerView: Projection {
  static func register(in projections: inout Projections) {
    projections.on(TPMMakersImported.self) { (event, db) throws(StoreError) in
      for digest in event.body.certificates {
        try db.run(
          "INSERT OR IGNORE INTO tpm_maker(digest, added_at, position) VALUES (?, ?, ?)", digest, event.origin.at,
          event.origin.position)
      }
    }
    projections.on(TPMMakersRemoved.self) { (event, db) throws(StoreError) in
      for digest in event.body.certificates { try db.run("DELETE FROM tpm_maker WHERE digest = ?", digest) }
    }
  }
}
