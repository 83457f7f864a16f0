import Attestation
import Enrollment
import MusterModel

extension Snapshot {
  /// A challenge that has no answer yet; its time may be over.
  func challenge(_ record: RecordID) throws(StoreError) -> OpenChallenge? {
    try db.first("SELECT evidence, nonce, secret, expires_at FROM attestation WHERE record = ?", record) {
      (row) throws(StoreError) in
      OpenChallenge(
        record: record, evidence: try row.digest(0), nonce: row.bytes(1), secret: try row.digest(2),
        expires: row.time(3))
    }
  }

  /// Whether a TPM proved that it holds the key, by the SHA-256 of its SPKI.
  func isAttested(_ key: Digest) throws(StoreError) -> Bool {
    try db.exists("SELECT 1 FROM key_attestation WHERE public_key = ?", key)
  }

  /// How the key of a device was attested last; nil where it was not.
  func keyAttestation(of key: Digest) throws(StoreError) -> KeyAttestationSummary? {
    try db.first(
      """
      SELECT endorsement, hardware_id, attestation_key, firmware_version, anchor, is_expired, make, weakness,
        secure_boot, registers, attested_at, position
      FROM key_attestation WHERE public_key = ?
      """, key
    ) { (row) throws(StoreError) in
      KeyAttestationSummary(
        endorsement: try row.value(0), hardware: row.isNull(1) ? nil : try row.hardwareID(1),
        attestationKey: row.isNull(2) ? nil : row.text(2), firmwareVersion: row.isNull(3) ? nil : row.text(3),
        anchor: try row.optional(4, Row.digest), isExpired: row.isNull(5) ? nil : row.bool(5),
        make: row.isNull(6) ? nil : row.text(6), weakness: row.isNull(7) ? nil : row.text(7),
        secureBoot: row.isNull(8) ? nil : row.bool(8),
        registers: row.isNull(9) ? nil : try RegistersText.read(row.text(9)), attested: row.time(10),
        position: try row.position(11))
    }
  }
}
