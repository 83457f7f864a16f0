/// What answers questions: written with the events, and made again from them by a replay. Rows have integer IDs inside;
/// record IDs grow with time, what is random stands in unique indexes alone. Columns that can name a person are NULL
/// once the event that filled them (`position`) was erased.
let viewTables = """
  CREATE TABLE event_kind(
    name TEXT PRIMARY KEY,
    position INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- Which events concern a record: its history, and by the last that changed it its version. A record stands by the
  -- bytes of its UUID, so that an enrollment's records are neighbours; a list by its name.
  CREATE TABLE concern(
    record BLOB NOT NULL,
    changes INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (record, changes, position)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE instance(
    id INTEGER PRIMARY KEY CHECK (id = 1),
    origin TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    trust_domain TEXT NOT NULL,
    publish_url TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    position INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE policy_file(
    name TEXT PRIMARY KEY,
    digest BLOB NOT NULL,
    position INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE device(
    id INTEGER PRIMARY KEY,
    record TEXT NOT NULL UNIQUE,
    device_id TEXT,
    folded TEXT,
    state TEXT NOT NULL,
    device_group TEXT,
    hub TEXT,
    generation INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    position INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    refused_at INTEGER,
    refused_code TEXT,
    refused_position INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX device_name ON device(folded) WHERE state <> 'retired';
  CREATE INDEX device_retired_name ON device(folded) WHERE state = 'retired';
  CREATE INDEX device_of_group ON device(device_group) WHERE device_group IS NOT NULL;
  CREATE INDEX device_of_hub ON device(hub) WHERE hub IS NOT NULL;

  CREATE TABLE binding(
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
  CREATE UNIQUE INDEX binding_active ON binding(device) WHERE ended_at IS NULL;
  CREATE INDEX binding_batch ON binding(batch, position) WHERE batch IS NOT NULL;

  CREATE TABLE bound_hardware(
    device TEXT NOT NULL,
    generation INTEGER NOT NULL,
    hardware TEXT NOT NULL,
    assurance TEXT NOT NULL,
    ended_at INTEGER,
    PRIMARY KEY (device, generation, hardware)
  ) STRICT, WITHOUT ROWID;
  -- Finds whether hardware left a device.
  CREATE INDEX bound_hardware_ended ON bound_hardware(hardware) WHERE ended_at IS NOT NULL;

  CREATE TABLE hardware(
    id INTEGER PRIMARY KEY,
    record TEXT NOT NULL UNIQUE,
    hardware_id TEXT UNIQUE,
    listing TEXT NOT NULL,
    listing_group TEXT,
    listed_at INTEGER,
    listed_position INTEGER,
    position INTEGER NOT NULL,
    last_seen_at INTEGER,
    -- What it is now.
    device TEXT,
    -- Where an order allows it to enroll by itself: by which, in which run, as which device, by whose word.
    factory_order TEXT,
    batch TEXT,
    allowed_as TEXT,
    allowed_by TEXT,
    refused_at INTEGER,
    refused_code TEXT,
    refused_position INTEGER
  ) STRICT;

  -- One row per listing of a pattern; of each pattern the last one counts.
  CREATE TABLE hardware_pattern(
    position INTEGER PRIMARY KEY,
    pattern TEXT,
    listing TEXT NOT NULL,
    device_group TEXT,
    listed_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX hardware_pattern_last ON hardware_pattern(pattern, position);

  CREATE TABLE device_group(
    id INTEGER PRIMARY KEY,
    record TEXT NOT NULL UNIQUE,
    name TEXT,
    folded TEXT,
    profile TEXT,
    hub TEXT,
    -- How many devices that are not retired are in it.
    devices INTEGER NOT NULL,
    added_at INTEGER NOT NULL,
    position INTEGER NOT NULL,
    removed_at INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX device_group_name ON device_group(folded) WHERE removed_at IS NULL;

  CREATE TABLE group_anchor(
    device_group TEXT NOT NULL,
    digest BLOB NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (device_group, digest)
  ) STRICT;
  CREATE INDEX group_anchor_digest ON group_anchor(digest);

  CREATE TABLE operator(
    id INTEGER PRIMARY KEY,
    record TEXT NOT NULL UNIQUE,
    name TEXT,
    folded TEXT,
    role TEXT NOT NULL,
    groups TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    position INTEGER NOT NULL,
    removed_at INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX operator_name ON operator(folded) WHERE removed_at IS NULL;

  CREATE TABLE hub(
    id INTEGER PRIMARY KEY,
    record TEXT NOT NULL UNIQUE,
    name TEXT,
    folded TEXT,
    host TEXT,
    groups TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    position INTEGER NOT NULL,
    removed_at INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX hub_name ON hub(folded) WHERE removed_at IS NULL;

  CREATE TABLE ticket(
    id INTEGER PRIMARY KEY,
    record TEXT NOT NULL UNIQUE,
    device_id TEXT,
    hardware_id TEXT,
    code BLOB UNIQUE,
    is_swap INTEGER NOT NULL,
    device TEXT,
    device_group TEXT,
    issued_by TEXT NOT NULL,
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    position INTEGER NOT NULL,
    cancelled_at INTEGER,
    -- Of an order's one-time secret.
    factory_order TEXT,
    batch TEXT,
    refused_at INTEGER,
    refused_code TEXT,
    refused_position INTEGER
  ) STRICT;
  CREATE INDEX ticket_of_hardware ON ticket(hardware_id) WHERE factory_order IS NOT NULL;
  CREATE INDEX ticket_of_group ON ticket(device_group) WHERE device_group IS NOT NULL;

  -- Which tickets were used, by their row, and the enrollment that says by which key and as which device. Apart from the
  -- tickets, of which few have room on a page.
  CREATE TABLE redemption(
    ticket INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    position INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE certificate(
    id INTEGER PRIMARY KEY,
    record TEXT NOT NULL UNIQUE,
    subject TEXT,
    issuer TEXT NOT NULL,
    serial BLOB NOT NULL,
    profile TEXT NOT NULL,
    not_before INTEGER NOT NULL,
    not_after INTEGER NOT NULL,
    shard INTEGER NOT NULL,
    public_key BLOB NOT NULL,
    der BLOB NOT NULL,
    request BLOB,
    issued_at INTEGER NOT NULL,
    position INTEGER NOT NULL,
    replaces TEXT,
    replaced_by TEXT,
    overlap_until INTEGER,
    revoked_at INTEGER,
    revoked_reason TEXT,
    -- A hold that ends when its device is enabled.
    held_with_device INTEGER NOT NULL DEFAULT 0,
    UNIQUE (issuer, serial)
  ) STRICT;
  CREATE INDEX certificate_subject ON certificate(subject) WHERE subject IS NOT NULL;
  CREATE INDEX certificate_own ON certificate(issuer, profile) WHERE subject IS NULL;
  CREATE INDEX certificate_revoked ON certificate(issuer, serial) WHERE revoked_at IS NOT NULL;
  -- Renewed, and valid beyond the overlap: to be revoked when that ends.
  CREATE INDEX certificate_superseded ON certificate(overlap_until)
    WHERE overlap_until < not_after AND revoked_at IS NULL;

  -- By the first 32 bits of their key's digest and of their own, the certificates up to the one that
  -- `certificate_settled` has; later ones are found in memory (`DigestIndex`).
  CREATE TABLE certificate_digest(
    prefix INTEGER NOT NULL,
    certificate INTEGER NOT NULL,
    PRIMARY KEY (prefix, certificate)
  ) STRICT, WITHOUT ROWID;

  -- One row: up to which certificate they are all there, and, of those up to `next`, which digests are, too.
  CREATE TABLE certificate_settled(
    through INTEGER NOT NULL,
    next INTEGER NOT NULL,
    below INTEGER NOT NULL
  ) STRICT;
  INSERT INTO certificate_settled(through, next, below) VALUES (0, 0, 0);

  CREATE TABLE issuer(
    id INTEGER PRIMARY KEY,
    key_id TEXT NOT NULL UNIQUE,
    use TEXT NOT NULL,
    key TEXT,
    certificate BLOB NOT NULL,
    not_before INTEGER NOT NULL,
    not_after INTEGER NOT NULL,
    issued INTEGER NOT NULL,
    last_shard INTEGER,
    revoked_at INTEGER,
    position INTEGER NOT NULL
  ) STRICT;

  -- The newest of each; shard −1 is the full CRL.
  CREATE TABLE crl(
    issuer TEXT NOT NULL,
    shard INTEGER NOT NULL,
    number INTEGER NOT NULL,
    this_update INTEGER NOT NULL,
    next_update INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    der BLOB NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (issuer, shard)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE kek(
    kek INTEGER PRIMARY KEY,
    key_check TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    position INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE slot(
    slot INTEGER PRIMARY KEY,
    protector TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    position INTEGER NOT NULL
  ) STRICT;
  """

/// Every table that a replay makes again, each in the order of its primary key; not the tree of digests, which hangs on how
/// the events were grouped.
let viewTableNames =
  [
    "event_kind", "concern", "instance", "policy_file", "device", "binding", "bound_hardware", "hardware",
    "hardware_pattern", "device_group", "group_anchor", "operator", "hub", "ticket", "redemption", "certificate",
    "issuer", "crl", "kek", "slot", "factory_order", "factory_batch", "hub_group", "hub_change", "hub_receipt",
    "device_key",
    "attestation", "key_attestation", "hub_seal_key", "key_ring",
    "key_version",
  ] + rolloverTableNames
