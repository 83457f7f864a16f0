/// What devices without a certificate, and the enrollment keys of groups, changed in the views.
let keyTables = """
  -- As before, but that the certificate may be NULL. SQLite has no other way to say so.
  CREATE TABLE binding_new(
    device TEXT NOT NULL,
    generation INTEGER NOT NULL,
    evidence TEXT NOT NULL,
    ticket TEXT,
    -- Of a device without certificate, the digest of its claim.
    public_key BLOB NOT NULL,
    certificate TEXT,
    made_by TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    position INTEGER NOT NULL,
    ended_at INTEGER,
    ended_reason TEXT,
    ended_position INTEGER,
    factory_order TEXT,
    batch TEXT,
    PRIMARY KEY (device, generation)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO binding_new(
    device, generation, evidence, ticket, public_key, certificate, made_by, made_at, position, ended_at, ended_reason,
    ended_position, factory_order, batch)
  SELECT device, generation, evidence, ticket, public_key, certificate, made_by, made_at, position, ended_at,
    ended_reason, ended_position, factory_order, batch
  FROM binding;
  DROP TABLE binding;
  ALTER TABLE binding_new RENAME TO binding;
  CREATE UNIQUE INDEX binding_active ON binding(device) WHERE ended_at IS NULL;
  CREATE INDEX binding_batch ON binding(batch, position) WHERE batch IS NOT NULL;

  ALTER TABLE device_key ADD COLUMN deliver_until INTEGER;

  CREATE TABLE group_key(
    record TEXT PRIMARY KEY,
    device_group TEXT NOT NULL,
    key_check TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    position INTEGER NOT NULL,
    removed_at INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX group_key_in_use ON group_key(device_group, position) WHERE removed_at IS NULL;
  """
