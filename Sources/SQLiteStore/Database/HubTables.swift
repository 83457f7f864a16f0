/// The views that hubs ask, and those of device keys.
let hubTables = """
  -- The groups whose devices a hub sees beside those that name it. Hubs stand by their row in `hub`.
  CREATE TABLE hub_group(
    device_group TEXT NOT NULL,
    hub INTEGER NOT NULL,
    PRIMARY KEY (device_group, hub)
  ) STRICT, WITHOUT ROWID;

  -- Which events a hub must know of.
  CREATE TABLE hub_change(
    hub INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (hub, position)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE hub_receipt(
    hub TEXT NOT NULL,
    size INTEGER NOT NULL,
    root BLOB NOT NULL,
    given_at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (hub, size)
  ) STRICT, WITHOUT ROWID;

  -- The keys that a device has in use, and the version that it proved last.
  CREATE TABLE device_key(
    device TEXT PRIMARY KEY,
    generation INTEGER NOT NULL,
    primary_version INTEGER NOT NULL,
    primary_check TEXT NOT NULL,
    -- NULL once a rollover has ended the old one.
    secondary_version INTEGER,
    secondary_check TEXT,
    last_version INTEGER NOT NULL,
    proved_version INTEGER,
    proved_at INTEGER,
    deliver_until INTEGER,
    -- The device was retired: their bytes are gone.
    is_destroyed INTEGER NOT NULL DEFAULT 0,
    position INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  """
