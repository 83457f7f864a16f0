/// The views of key rings and their versions.
let ringTables = """
  CREATE TABLE key_ring(
    id INTEGER PRIMARY KEY,
    record TEXT NOT NULL UNIQUE,
    name TEXT,
    folded TEXT,
    kind TEXT NOT NULL,
    -- Whose it is, where it is a group's.
    device_group TEXT,
    is_exportable INTEGER NOT NULL,
    destroy_wait INTEGER NOT NULL,
    rotate_every INTEGER NOT NULL,
    protection_limit INTEGER,
    min_decrypt INTEGER NOT NULL,
    min_encrypt INTEGER NOT NULL,
    newest INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    position INTEGER NOT NULL
  ) STRICT;
  -- A ring is never removed, and its name is its own for ever: what it made is still to be opened.
  CREATE UNIQUE INDEX key_ring_name ON key_ring(folded);
  CREATE INDEX key_ring_of_group ON key_ring(device_group) WHERE device_group IS NOT NULL;

  CREATE TABLE key_version(
    ring TEXT NOT NULL,
    number INTEGER NOT NULL,
    record TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    key_check TEXT NOT NULL,
    public_key BLOB,
    is_imported INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    since INTEGER NOT NULL,
    protections INTEGER NOT NULL DEFAULT 0,
    uses INTEGER NOT NULL DEFAULT 0,
    destroy_at INTEGER,
    position INTEGER NOT NULL,
    PRIMARY KEY (ring, number)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX key_version_to_destroy ON key_version(destroy_at) WHERE destroy_at IS NOT NULL;
  """
