/** 'HyCo' as a 32-bit integer, in the header of every outbox. @internal */
export const OUTBOX_APPLICATION_ID = 0x4879436f;

/** Numbered, immutable migrations, like those of the database. @internal */
export const OUTBOX_MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
  -- What the primary has not yet acknowledged. source: of the start of the node at which it was accepted.
  CREATE TABLE outbox (
    sequence INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    command BLOB NOT NULL
  );
  -- What the primary has refused for good.
  CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    command BLOB NOT NULL
  );
  `,
  `
  -- Unix ms: of what several processes have left, what was accepted later goes later.
  ALTER TABLE outbox ADD COLUMN accepted_at INTEGER NOT NULL DEFAULT 0;
  `,
];

/** @internal */
export const outboxSql = {
  /** One process at a time has it open: it belongs to one process of the node. */
  pragmas: (synchronous: 'NORMAL' | 'FULL'): string => `
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = ${synchronous};
    PRAGMA temp_store = MEMORY;
    PRAGMA mmap_size = 0;
    PRAGMA wal_autocheckpoint = 4000;
    PRAGMA journal_size_limit = 4194304;
  `,
  newFile: 'PRAGMA page_size = 1024',
  writeApplicationId: `PRAGMA application_id = ${OUTBOX_APPLICATION_ID}`,
  last: 'SELECT max(sequence) AS sequence, max(accepted_at) AS acceptedAt FROM outbox',
  add: 'INSERT INTO outbox VALUES (?, ?, ?, ?)',
  page: `SELECT sequence, source, command, accepted_at AS acceptedAt FROM outbox
    WHERE sequence > ? ORDER BY sequence LIMIT ?`,
  anything: 'SELECT 1 FROM outbox LIMIT 1',
  count: 'SELECT count(*) FROM outbox',
  remove: 'DELETE FROM outbox WHERE sequence = ?',
  removeUpTo: 'DELETE FROM outbox WHERE sequence <= ?',
  insertDeadLetter: `INSERT INTO dead_letters (at, code, message, command)
    SELECT ?, ?, ?, command FROM outbox WHERE sequence = ?`,
  deadLetters: 'SELECT at, code, message, command FROM dead_letters ORDER BY id DESC LIMIT ?',
  deadLetterCount: 'SELECT count(*) FROM dead_letters',
  trimDeadLetters: `DELETE FROM dead_letters WHERE id <=
    (SELECT id FROM dead_letters ORDER BY id DESC LIMIT 1 OFFSET ?)`,
} as const;
