/// The view of the enrollment keys of groups.
let keyTables = """
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
