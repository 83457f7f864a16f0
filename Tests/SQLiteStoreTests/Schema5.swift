/// The views as schema 5 had them.
let viewsOfSchema5 = """
  CREATE TABLE event_kind(
    name TEXT PRIMARY KEY,
    position INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE concern(
    record TEXT NOT NULL,
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

  CREATE TABLE binding(
    device TEXT NOT NULL,
    generation INTEGER NOT NULL,
    evidence TEXT NOT NULL,
    ticket TEXT,
    public_key BLOB NOT NULL,
    certificate TEXT NOT NULL,
    made_by TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    position INTEGER NOT NULL,
    ended_at INTEGER,
    ended_reason TEXT,
    ended_position INTEGER,
    PRIMARY KEY (device, generation)
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX binding_active ON binding(device) WHERE ended_at IS NULL;

  CREATE TABLE bound_hardware(
    device TEXT NOT NULL,
    generation INTEGER NOT NULL,
    hardware TEXT NOT NULL,
    assurance TEXT NOT NULL,
    ended_at INTEGER,
    PRIMARY KEY (device, generation, hardware)
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX bound_hardware_active ON bound_hardware(hardware) WHERE ended_at IS NULL;

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
    refused_at INTEGER,
    refused_code TEXT,
    refused_position INTEGER
  ) STRICT;

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
    redeemed_at INTEGER,
    redeemed_position INTEGER,
    cancelled_at INTEGER,
    refused_at INTEGER,
    refused_code TEXT,
    refused_position INTEGER
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
    der BLOB NOT NULL UNIQUE,
    request BLOB,
    issued_at INTEGER NOT NULL,
    position INTEGER NOT NULL,
    replaces TEXT,
    replaced_by TEXT,
    overlap_until INTEGER,
    revoked_at INTEGER,
    revoked_reason TEXT,
    held_with_device INTEGER NOT NULL DEFAULT 0,
    UNIQUE (issuer, serial)
  ) STRICT;
  CREATE INDEX certificate_subject ON certificate(subject) WHERE subject IS NOT NULL;
  CREATE INDEX certificate_own ON certificate(issuer, profile) WHERE subject IS NULL;
  CREATE INDEX certificate_compromised ON certificate(public_key) WHERE revoked_reason = 'key-compromise';
  CREATE INDEX certificate_revoked ON certificate(issuer, serial) WHERE revoked_at IS NOT NULL;
  CREATE INDEX certificate_superseded ON certificate(overlap_until)
    WHERE overlap_until < not_after AND revoked_at IS NULL;

  CREATE TABLE public_key(
    digest BLOB PRIMARY KEY,
    owner TEXT,
    position INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

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
    position INTEGER NOT NULL
  ) STRICT;

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

  CREATE TABLE factory_order(
    id INTEGER PRIMARY KEY,
    record TEXT NOT NULL UNIQUE,
    name TEXT,
    folded TEXT,
    station TEXT NOT NULL,
    device_group TEXT NOT NULL,
    quota INTEGER NOT NULL,
    made INTEGER NOT NULL CHECK (made <= quota),
    until INTEGER,
    added_by TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    position INTEGER NOT NULL,
    closed_at INTEGER,
    refused_at INTEGER,
    refused_code TEXT,
    refused_position INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX factory_order_name ON factory_order(folded) WHERE closed_at IS NULL;
  CREATE INDEX factory_order_closed_name ON factory_order(folded) WHERE closed_at IS NOT NULL;

  ALTER TABLE binding ADD COLUMN factory_order TEXT;
  ALTER TABLE binding ADD COLUMN batch TEXT;
  CREATE INDEX binding_batch ON binding(batch, position) WHERE batch IS NOT NULL;

  CREATE INDEX device_of_hub ON device(hub) WHERE hub IS NOT NULL;

  CREATE TABLE hub_group(
    device_group TEXT NOT NULL,
    hub INTEGER NOT NULL,
    PRIMARY KEY (device_group, hub)
  ) STRICT, WITHOUT ROWID;

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

  CREATE TABLE device_key(
    device TEXT PRIMARY KEY,
    generation INTEGER NOT NULL,
    primary_version INTEGER NOT NULL,
    primary_check TEXT NOT NULL,
    secondary_version INTEGER NOT NULL,
    secondary_check TEXT NOT NULL,
    last_version INTEGER NOT NULL,
    proved_version INTEGER,
    proved_at INTEGER,
    position INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE INDEX bound_hardware_ended ON bound_hardware(hardware) WHERE ended_at IS NOT NULL;

  CREATE TABLE binding_new(
    device TEXT NOT NULL,
    generation INTEGER NOT NULL,
    evidence TEXT NOT NULL,
    ticket TEXT,
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
