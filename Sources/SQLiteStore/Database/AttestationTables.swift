/// The views of what TPMs show.
let attestationTables = """
  -- The challenges that wait for an answer, and those whose time was not over when the last one was given.
  CREATE TABLE attestation(
    record TEXT PRIMARY KEY,
    evidence BLOB NOT NULL,
    nonce BLOB NOT NULL,
    secret BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    position INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX attestation_end ON attestation(expires_at);

  -- The keys that TPMs hold, each as it was attested last.
  CREATE TABLE key_attestation(
    public_key BLOB PRIMARY KEY,
    device TEXT NOT NULL,
    endorsement TEXT NOT NULL,
    hardware_id TEXT,
    attestation_key TEXT,
    firmware_version TEXT,
    anchor BLOB,
    is_expired INTEGER,
    make TEXT,
    weakness TEXT,
    secure_boot INTEGER,
    -- Number and value in hex, parted by blanks.
    registers TEXT,
    attested_at INTEGER NOT NULL,
    position INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- The certificates of TPM makers that are trusted; their DER is attached to the event at the position.
  CREATE TABLE tpm_maker(
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    added_at INTEGER NOT NULL,
    position INTEGER NOT NULL
  ) STRICT;
  """
