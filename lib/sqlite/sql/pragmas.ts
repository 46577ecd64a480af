/** 'HyCa' as a 32-bit integer, in the header of every file of ours. @internal */
export const APPLICATION_ID = 0x48794361;

/**
 * Runs before the first table, because neither setting can be changed later without rewriting the file. A commit writes
 * whole pages to the log, and most entries are small. Pages of 1 KiB made sets of 150 bytes 1.4 to 1.6 times as fast as
 * pages of 4 KiB, at the same speed of small reads; reads of 10 kB lost 8 %.
 *
 * @internal
 */
export const NEW_FILE = `
  PRAGMA page_size = 1024;
  PRAGMA auto_vacuum = INCREMENTAL;
`;

/** For checkpoints within a commit: the number of frames that fit into 4 MiB. */
const AUTO_CHECKPOINT_FRAMES = 4000;

/** @internal */
export const connectionPragmas = (synchronous: 'NORMAL' | 'FULL'): string => `
  PRAGMA synchronous = ${synchronous};
  PRAGMA temp_store = MEMORY;
  PRAGMA mmap_size = 0;
  PRAGMA wal_autocheckpoint = ${AUTO_CHECKPOINT_FRAMES};
  PRAGMA journal_size_limit = 4194304;
  PRAGMA cache_size = -16384;
`;

/** @internal */
export const pragmaSql = {
  walMode: 'PRAGMA journal_mode = WAL',
  syncFull: 'PRAGMA synchronous = FULL',
  syncOff: 'PRAGMA synchronous = OFF',
  syncNormal: 'PRAGMA synchronous = NORMAL',
  /** Reports the first fault only. */
  quickCheck: 'PRAGMA quick_check(1)',
  exclusive: 'PRAGMA locking_mode = EXCLUSIVE',
  busyTimeout: (ms: number): string => `PRAGMA busy_timeout = ${ms}`,
  tolerateDamage: 'PRAGMA writable_schema = ON',
  readApplicationId: 'PRAGMA application_id',
  writeApplicationId: `PRAGMA application_id = ${APPLICATION_ID}`,
  readUserVersion: 'PRAGMA user_version',
  writeUserVersion: (version: number): string => `PRAGMA user_version = ${version}`,
  sqliteVersion: 'SELECT sqlite_version()',
  tableCount: 'SELECT count(*) FROM sqlite_schema',
  dataVersion: 'PRAGMA data_version',
  pageSize: 'PRAGMA page_size',
  pageCount: 'PRAGMA page_count',
  freePages: 'PRAGMA freelist_count',
  releasePages: (pages: number): string => `PRAGMA incremental_vacuum(${pages})`,
  checkpoint: 'PRAGMA wal_checkpoint(TRUNCATE)',
  autoCheckpoint: `PRAGMA wal_autocheckpoint = ${AUTO_CHECKPOINT_FRAMES}`,
} as const;

/** For checkpoints in their own thread. @internal */
export const checkpointSql = {
  /** For the connection that writes: it never checkpoints, and its log may grow as far as the thread allows. */
  byThread: 'PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 15500000;',
  /** For the connection of the thread. Checkpointed frames must be on the disk before the log restarts. */
  pragmas: `
    PRAGMA synchronous = NORMAL;
    PRAGMA mmap_size = 0;
    PRAGMA wal_autocheckpoint = 0;
    PRAGMA busy_timeout = 20;
  `,
  passive: 'PRAGMA wal_checkpoint(PASSIVE)',
  restart: 'PRAGMA wal_checkpoint(RESTART)',
  /** Checkpoints nothing. */
  look: 'PRAGMA wal_checkpoint(NOOP)',
} as const;

/** @internal */
export const transactionSql = {
  begin: 'BEGIN IMMEDIATE',
  beginRead: 'BEGIN',
  commit: 'COMMIT',
  rollback: 'ROLLBACK',
} as const;

/** A transaction that never ends. @internal */
export const lockSql = {
  /** Without a journal's file, which a process that is killed would leave. */
  take: 'PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE',
  share: 'BEGIN; SELECT count(*) FROM sqlite_schema',
} as const;
