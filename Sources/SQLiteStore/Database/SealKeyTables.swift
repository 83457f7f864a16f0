/// The view of what the keys of a hub's devices are sealed to.
let sealKeyTables = """
  CREATE TABLE hub_seal_key(
    hub TEXT PRIMARY KEY,
    public_key BLOB NOT NULL,
    set_at INTEGER NOT NULL,
    position INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  """
