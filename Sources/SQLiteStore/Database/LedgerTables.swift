/// What is true: events and what hangs on them. Everything in `viewTables` follows from it.
let ledgerTables = """
  CREATE TABLE event(
    position INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
  ) STRICT;

  -- Full tiles of 256 hashes (C2SP tlog-tiles).
  CREATE TABLE tile(
    level INTEGER NOT NULL,
    number INTEGER NOT NULL,
    hashes BLOB NOT NULL,
    PRIMARY KEY (level, number)
  ) STRICT;

  -- The leaf hashes that no full tile covers yet: they tell what was done to the last events.
  CREATE TABLE open_leaf(
    position INTEGER PRIMARY KEY,
    hash BLOB NOT NULL
  ) STRICT;

  -- One per group commit.
  CREATE TABLE checkpoint(
    size INTEGER PRIMARY KEY,
    note BLOB NOT NULL
  ) STRICT;

  CREATE TABLE attachment(
    position INTEGER NOT NULL,
    digest BLOB NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (position, digest)
  ) STRICT;

  -- At most one per event; the only thing that can be erased.
  CREATE TABLE private_attachment(
    position INTEGER PRIMARY KEY,
    digest BLOB NOT NULL,
    bytes BLOB NOT NULL
  ) STRICT;

  CREATE TABLE secret(
    owner TEXT NOT NULL,
    purpose TEXT NOT NULL,
    version INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (owner, purpose, version)
  ) STRICT;
  CREATE INDEX secret_purpose ON secret(purpose);

  CREATE TABLE idempotent_answer(
    operator TEXT NOT NULL,
    key TEXT NOT NULL,
    request BLOB NOT NULL,
    status INTEGER NOT NULL,
    body BLOB NOT NULL,
    is_sealed INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (operator, key)
  ) STRICT;
  """
