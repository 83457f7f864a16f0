/// The views of orders of factory lines.
let orderTables = """
  CREATE TABLE factory_order(
    id INTEGER PRIMARY KEY,
    record TEXT NOT NULL UNIQUE,
    name TEXT,
    folded TEXT,
    station TEXT NOT NULL,
    device_group TEXT NOT NULL,
    quota INTEGER NOT NULL,
    -- How many devices were made by it, whatever became of them.
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
  CREATE INDEX factory_order_of_group ON factory_order(device_group);

  -- Whose a run of a station is: the order's by which something was first made or allowed in it.
  CREATE TABLE factory_batch(
    record TEXT PRIMARY KEY,
    factory_order TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  """
