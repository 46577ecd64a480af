/** 'HyCo' as a 32-bit integer, in the header of every outbox. @internal */
export const OUTBOX_APPLICATION_ID = 0x4879436f;

/** Numbered, immutable migrations, as those of the database. @internal */
export const OUTBOX_MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
  -- What the primary has not yet acknowledged. source: of the start of the node at which it was accepted.
  CREATE TABLE outbox (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL,
    command BLOB NOT NULL
  );
  -- What the primary has refused for good.
  CREATE TABLE dead_letters (
    sequence INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    command BLOB NOT NULL
  );
  `,
];

/** @internal */
export const outboxSql = {
  /** One process has it open at a time: it is the node's own. */
  pragmas: (synchronous: 'NORMAL' | 'FULL'): string => `
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = ${synchronous};
    PRAGMA temp_store = MEMORY;
    PRAGMA mmap_size = 0;
    PRAGMA journal_size_limit = 4194304;
  `,
  newFile: 'PRAGMA page_size = 1024',
  writeApplicationId: `PRAGMA application_id = ${OUTBOX_APPLICATION_ID}`,
  add: 'INSERT INTO outbox (source, command) VALUES (?, ?)',
  page: 'SELECT sequence, source, command FROM outbox WHERE sequence > ? ORDER BY sequence LIMIT ?',
  remove: 'DELETE FROM outbox WHERE sequence = ?',
  removeUpTo: 'DELETE FROM outbox WHERE sequence <= ?',
  bury: `INSERT OR REPLACE INTO dead_letters (sequence, at, code, message, command)
    SELECT sequence, ?, ?, ?, command FROM outbox WHERE sequence = ?`,
  deadLetters: 'SELECT sequence, at, code, message, command FROM dead_letters ORDER BY sequence DESC LIMIT ?',
  deadLetterCount: 'SELECT count(*) FROM dead_letters',
  trimDeadLetters: `DELETE FROM dead_letters WHERE sequence <=
    (SELECT sequence FROM dead_letters ORDER BY sequence DESC LIMIT 1 OFFSET ?)`,
} as const;
