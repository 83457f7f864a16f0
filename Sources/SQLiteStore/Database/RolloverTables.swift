/// The views of rollovers: of keys, and of certificates.
let rolloverTables = """
  CREATE TABLE rollover(
    id INTEGER PRIMARY KEY,
    record TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    -- Which devices: those that have all that is named.
    device_group TEXT,
    hub TEXT,
    batch TEXT,
    -- Whose certificates are to leave; NULL for all that were issued before the start.
    leaving_issuer TEXT,
    canary INTEGER NOT NULL,
    step INTEGER NOT NULL,
    quorum INTEGER NOT NULL,
    soak INTEGER NOT NULL,
    overlap INTEGER NOT NULL,
    deadline INTEGER NOT NULL,
    refusals INTEGER NOT NULL,
    breaks INTEGER NOT NULL,
    state TEXT NOT NULL,
    cause TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    planned_by TEXT NOT NULL,
    planned_at INTEGER NOT NULL,
    -- Devices whose keys are of later are not in it.
    started_at INTEGER,
    started_position INTEGER,
    wave INTEGER NOT NULL,
    wave_at INTEGER,
    target INTEGER NOT NULL,
    -- The device that entered last.
    last_entered TEXT,
    -- Devices of which a token, or a renewal, was refused since it was last resumed.
    refused INTEGER NOT NULL,
    position INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX rollover_under_way ON rollover(id) WHERE state IN ('running', 'paused', 'aborting');

  CREATE TABLE rollover_device(
    id INTEGER PRIMARY KEY,
    -- The rollover's row, and its kind.
    rollover INTEGER NOT NULL,
    kind TEXT NOT NULL,
    device TEXT NOT NULL,
    wave INTEGER NOT NULL,
    stage TEXT NOT NULL,
    is_open INTEGER NOT NULL,
    known_version INTEGER,
    made_version INTEGER,
    proofs INTEGER NOT NULL,
    since INTEGER NOT NULL,
    is_refused INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX rollover_device_once ON rollover_device(rollover, device);
  -- A device is in one of each kind at a time.
  CREATE UNIQUE INDEX rollover_device_open ON rollover_device(device, kind) WHERE is_open = 1;
  CREATE INDEX rollover_device_broken ON rollover_device(device) WHERE stage = 'broken';
  CREATE INDEX rollover_device_stage ON rollover_device(rollover, stage, since);

  -- Until when a certificate authenticates, or will once a hold is lifted; NULL where it was revoked.
  CREATE VIEW certificate_in_force AS
    SELECT record, subject, issuer, position,
      CASE WHEN coalesce(revoked_reason, 'certificate-hold') = 'certificate-hold'
        THEN min(not_after, coalesce(overlap_until, not_after)) END AS until
    FROM certificate;
  -- What a rollover brings out of the fleet: certificates of before its start, of the issuing CA that is to leave where one is
  -- named, which issues nothing since another took over.
  CREATE VIEW leaving_certificate AS
    SELECT rollover.id AS rollover, certificate.subject AS device, certificate.record AS certificate, until
    FROM rollover CROSS JOIN certificate_in_force AS certificate
    WHERE certificate.position < rollover.started_position
      AND certificate.issuer = coalesce(rollover.leaving_issuer, certificate.issuer);
  -- Devices that may enter a rollover: in use, with keys that are older than it, or a certificate that is to leave until then,
  -- and in no other of its kind.
  CREATE VIEW rollover_candidate AS
    SELECT rollover.record AS rollover, device.id AS place, device.record AS device,
      CASE rollover.kind
        WHEN 'keys' THEN (
          SELECT 9223372036854775807 FROM device_key
          WHERE device_key.device = device.record AND device_key.generation = binding.generation
            AND device_key.position < rollover.started_position)
        ELSE (
          SELECT max(until) FROM leaving_certificate
          WHERE leaving_certificate.rollover = rollover.id AND leaving_certificate.device = device.record)
      END AS until
    FROM rollover CROSS JOIN device
      CROSS JOIN binding ON binding.device = device.record AND binding.ended_at IS NULL
    WHERE (rollover.device_group IS NULL OR device.device_group = rollover.device_group)
      AND (rollover.hub IS NULL OR device.hub = rollover.hub)
      AND (rollover.batch IS NULL OR binding.batch = rollover.batch)
      AND device.state = 'enabled' AND device.device_id IS NOT NULL
      AND NOT EXISTS (
        SELECT 1 FROM rollover_device
        WHERE rollover_device.rollover = rollover.id AND rollover_device.device = device.record)
      AND NOT EXISTS (
        SELECT 1 FROM rollover_device WHERE rollover_device.device = device.record AND rollover_device.is_open = 1
          AND rollover_device.kind = rollover.kind);

  -- How many devices of a wave are in which stage.
  CREATE TABLE rollover_count(
    rollover INTEGER NOT NULL,
    wave INTEGER NOT NULL,
    stage TEXT NOT NULL,
    devices INTEGER NOT NULL,
    PRIMARY KEY (rollover, wave, stage)
  ) STRICT, WITHOUT ROWID;
  """

/// Their names.
let rolloverTableNames = ["rollover", "rollover_device", "rollover_count"]
