/**
 * Each write of an entry reaches the log, and a lone write is a single statement. As immutable as the migrations.
 *
 * @internal
 */
export const LOG_TRIGGERS = `
  CREATE TRIGGER entries_inserted AFTER INSERT ON entries BEGIN
    INSERT INTO changes VALUES (new.revision, new.namespace_id, 0, new.key);
  END;
  CREATE TRIGGER entries_updated AFTER UPDATE OF revision ON entries BEGIN
    INSERT INTO changes VALUES (new.revision, new.namespace_id, 0, new.key);
  END;
`;

/** Used while a side file is filled, because its content was logged elsewhere. @internal */
export const DROP_LOG_TRIGGERS = `
  DROP TRIGGER entries_inserted;
  DROP TRIGGER entries_updated;
`;

/**
 * Numbered, immutable migrations: an existing one never changes, and later ones are appended. The number of a migration
 * is its place, from 1, and is kept in `user_version`.
 *
 * @internal
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;

  -- A cleared namespace gets a new id; what stands under the old one is unreachable and is swept later.
  CREATE TABLE namespaces (name TEXT PRIMARY KEY, id INTEGER NOT NULL UNIQUE) WITHOUT ROWID;
  CREATE TABLE cleared_namespaces (id INTEGER PRIMARY KEY);

  -- value: TEXT and REAL are strings, JSON and numbers, BLOB is the codec's bytes. Hence no type.
  CREATE TABLE entries (
    id INTEGER PRIMARY KEY,
    namespace_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    revision INTEGER NOT NULL,
    expires_at REAL NOT NULL,
    tag_set INTEGER NOT NULL,
    value,
    -- When the value stops being fresh; NULL means at expires_at. Behind the value: ordinary reads do not reach it.
    fresh_until REAL,
    UNIQUE (namespace_id, key)
  );

  -- Rows by namespace; 0 stands for all of them. Right after a clean stop, or while several processes write.
  CREATE TABLE entry_counts (namespace_id INTEGER PRIMARY KEY, count INTEGER NOT NULL);

  -- Keys only. kind: 0 one key, 1 the namespace was cleared, 2 a prefix was deleted, 3 a tag was deleted.
  CREATE TABLE changes (
    revision INTEGER PRIMARY KEY,
    namespace_id INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    key TEXT NOT NULL
  );
  -- The head of the log at some times, so that it can be trimmed by age.
  CREATE TABLE change_marks (revision INTEGER PRIMARY KEY, at INTEGER NOT NULL);

${LOG_TRIGGERS}
  -- A row counts only while the entry still has this tag_set: an untagged overwrite need not look here.
  CREATE TABLE tags (
    namespace_id INTEGER NOT NULL,
    tag TEXT NOT NULL,
    entry_id INTEGER NOT NULL,
    tag_set INTEGER NOT NULL,
    PRIMARY KEY (namespace_id, tag, entry_id)
  ) WITHOUT ROWID;
  CREATE INDEX tags_by_entry ON tags (entry_id);

  -- Whoever has the file open. A row that is there at the next start was left by an unclean stop.
  CREATE TABLE processes (
    id TEXT PRIMARY KEY,
    -- Monotonic ms until which its waiters count as alive.
    alive_until REAL NOT NULL
  ) WITHOUT ROWID;

  -- kind: 0 lock, 1 semaphore. Times are ms on the machine's monotonic clock. A free lease keeps its row,
  -- because the next token must be larger.
  CREATE TABLE leases (
    kind INTEGER NOT NULL,
    name TEXT NOT NULL,
    slot INTEGER NOT NULL,
    owner TEXT,
    token INTEGER NOT NULL,
    ttl REAL NOT NULL,
    expires_at REAL NOT NULL,
    PRIMARY KEY (kind, name, slot)
  ) WITHOUT ROWID;

  -- First come, first served, by id.
  CREATE TABLE lease_waiters (
    id INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    name TEXT NOT NULL,
    owner TEXT NOT NULL,
    ttl REAL NOT NULL,
    slots INTEGER NOT NULL,
    deadline REAL NOT NULL,
    process TEXT NOT NULL
  );
  CREATE INDEX lease_waiters_by_name ON lease_waiters (kind, name, id);
  CREATE INDEX lease_waiters_by_owner ON lease_waiters (kind, name, owner);

  -- How far the asynchronous writes of each other node have come: what is sent again is not done again.
  CREATE TABLE sources (
    id TEXT PRIMARY KEY,
    sequence INTEGER NOT NULL,
    -- Unix ms of the last write.
    seen_at INTEGER NOT NULL
  ) WITHOUT ROWID;

  -- Which of them were executed at which revision, as long as the change log tells of it: what a replica has applied
  -- and what it knows of the sources belong together. Of a run, each next write has the next revision and sequence.
  CREATE TABLE source_log (
    revision INTEGER NOT NULL,
    source TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (revision, source)
  ) WITHOUT ROWID;

  -- How often what was throttled was hit. Not replicated and not logged; nothing that happens to entries touches it.
  CREATE TABLE throttles (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    -- When each hit ends, in Unix ms, as 64-bit floats; behind a negative one, so many of them at once.
    hits BLOB NOT NULL,
    period_end REAL NOT NULL,
    block_until REAL NOT NULL,
    -- The longest that a hit counts and a block lasts, in ms: a clock that was set back lengthens neither.
    ttl REAL NOT NULL,
    block REAL NOT NULL,
    -- When nothing of it counts any more.
    expires_at REAL NOT NULL,
    UNIQUE (key, name)
  );

  -- The last run of each name. Not replicated and not logged. Times are Unix ms; finished_at and ok are NULL until it ends.
  CREATE TABLE runs (
    name TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    slot REAL NOT NULL,
    started_at REAL NOT NULL,
    finished_at REAL,
    ok INTEGER,
    node TEXT NOT NULL
  ) WITHOUT ROWID;
  `,
];
