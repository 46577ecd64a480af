/** 'HyCn' as a 32-bit integer, in the header of every file of nonces. @internal */
export const NONCES_APPLICATION_ID = 0x4879436e;

/** Numbered, immutable migrations, like those of the database. @internal */
export const NONCE_MIGRATIONS: readonly string[] = [
  `
  -- One row. node: random, what signatures name. role: with which the file was last in use. Of requests that were signed up
  -- to forgotten it is not known any more whether they came; those that name no node have to be signed after unnamed_after.
  CREATE TABLE receiver (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    node TEXT NOT NULL,
    role TEXT NOT NULL,
    forgotten INTEGER NOT NULL,
    unnamed_after INTEGER NOT NULL,
    held INTEGER NOT NULL
  );
  CREATE TABLE nonces (
    signed_at INTEGER NOT NULL,
    nonce TEXT NOT NULL,
    PRIMARY KEY (signed_at, nonce)
  ) WITHOUT ROWID;
  `,
];

/** @internal */
export const nonceSql = {
  /**
   * A kill loses nothing. After a power loss, a damaged file is replaced by a new one, which accepts nothing older than
   * itself.
   */
  pragmas: `
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = OFF;
    PRAGMA temp_store = MEMORY;
    PRAGMA mmap_size = 0;
    PRAGMA journal_size_limit = 4194304;
  `,
  newFile: 'PRAGMA page_size = 1024',
  writeApplicationId: `PRAGMA application_id = ${NONCES_APPLICATION_ID}`,
  begin: 'INSERT OR IGNORE INTO receiver VALUES (1, ?, ?, -1, ?, 0)',
  takeRole: `UPDATE receiver SET role = :role, unnamed_after = max(unnamed_after, :since) WHERE role <> :role`,
  node: 'SELECT node FROM receiver',
  state: 'SELECT forgotten, unnamed_after AS unnamedAfter, held FROM receiver',
  add: 'INSERT OR IGNORE INTO nonces VALUES (?, ?)',
  hold: 'UPDATE receiver SET held = held + ?, forgotten = max(forgotten, ?)',
  /** When the newest nonce of the oldest share was signed. */
  oldest: 'SELECT signed_at FROM nonces ORDER BY signed_at LIMIT 1 OFFSET ?',
  forget: 'DELETE FROM nonces WHERE signed_at <= ?',
} as const;
