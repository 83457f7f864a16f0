import Attestation
import MusterModel

/// Open challenges, and the keys of which TPMs proved that they hold them.
enum AttestationView: Projection {
  static func register(in projections: inout Projections) {
    projections.on(AttestationChallenged.self, challenged)
    projections.on(AttestationFailed.self) { (event, db) throws(StoreError) in
      try end(event.body.attestation, db)
    }
    projections.on(KeyAttested.self, attested)
    projections.onErasure(of: KeyAttested.self) { (event, db) throws(StoreError) in
      try db.run(
        """
        UPDATE key_attestation SET hardware_id = NULL, attestation_key = NULL, firmware_version = NULL, make = NULL,
          registers = NULL
        WHERE position = ?
        """, event.origin.position)
    }
  }

  /// What is over goes with the next that comes: the table is no longer than a challenge's time.
  private static func challenged(
    _ event: Recorded<AttestationChallenged>, _ db: Connection
  ) throws(StoreError) {
    let (body, origin) = (event.body, event.origin)
    guard let nonce = Base64URL.decode(body.nonce) else { throw .conflict("a nonce that is not base64url") }
    try db.run("DELETE FROM attestation WHERE expires_at <= ?", origin.at)
    try db.run(
      "INSERT INTO attestation(record, evidence, nonce, secret, expires_at, position) VALUES (?, ?, ?, ?, ?, ?)",
      body.attestation, body.evidence, nonce, body.secret, body.expires, origin.position)
  }

  /// That it is ended once alone is its version's to hold: its row may have gone with a later challenge.
  private static func end(_ attestation: RecordID, _ db: Connection) throws(StoreError) {
    try db.run("DELETE FROM attestation WHERE record = ?", attestation)
  }

  private static func attested(_ event: Recorded<KeyAttested>, _ db: Connection) throws(StoreError) {
    let (body, details, origin) = (event.body, event.details, event.origin)
    try end(body.attestation, db)
    try db.run(
      """
      INSERT OR REPLACE INTO key_attestation(
        public_key, device, endorsement, hardware_id, attestation_key, firmware_version, anchor, is_expired, make,
        weakness, secure_boot, registers, attested_at, position)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """, body.publicKey, body.device, body.endorsement, details?.hardware.description, details?.attestationKey,
      details?.firmwareVersion, body.anchor, body.isExpired, details?.make, body.weakness,
      body.secureBoot, details?.registers.map(RegistersText.text), origin.at, origin.position)
  }
}

/// Registers in a column: number and value in hex, parted by blanks.
enum RegistersText {
  static func text(_ registers: [KeyAttested.Register]) -> String {
    registers.map { "\($0.pcr):\($0.value)" }.joined(separator: " ")
  }

  static func read(_ text: String) throws(StoreError) -> [KeyAttested.Register] {
    var registers: [KeyAttested.Register] = []
    for entry in text.split(separator: " ") {
      let parts = entry.split(separator: ":")
      guard parts.count == 2, let pcr = Int(parts[0]), let value = Digest(hex: parts[1]) else {
        throw .damaged("registers that are none")
      }
      registers.append(.init(pcr: pcr, value: value))
    }
    return registers
  }
}
