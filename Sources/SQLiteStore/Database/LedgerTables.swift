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

  -- The leaf hashes that no full tile covers yet: they tell what was done to the last events. A row has those that came
  -- with one commit, from a position on.
  CREATE TABLE open_leaf(
    position INTEGER PRIMARY KEY,
    hashes BLOB NOT NULL
  ) STRICT;

  -- One per group commit.
  CREATE TABLE checkpoint(
    size INTEGER PRIMARY KEY,
    note BLOB NOT NULL
  ) STRICT;

  -- The ID is the event's position · 1,024 and the attachment's place among the event's: one tree that grows at its end.
  CREATE TABLE attachment(
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL,
    bytes BLOB NOT NULL
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

/// The tables of `ledgerTables`: none of them is dropped to be made again.
let ledgerTableNames: Set = [
  "event", "tile", "open_leaf", "checkpoint", "attachment", "private_attachment", "secret", "idempotent_answer",
]
