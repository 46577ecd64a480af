import { metaSql } from './meta.js';

/**
 * What a copy has to forget and to say: who had the original open, who waited there, and that it is of another moment.
 *
 * @internal
 */
export const FINISH_BACKUP = `
  BEGIN IMMEDIATE;
  DELETE FROM processes;
  DELETE FROM lease_waiters;
  INSERT OR REPLACE INTO meta (name, value) VALUES ('restored', 1);
  COMMIT;
  PRAGMA journal_mode = DELETE;
`;

/** Where a copy stands. @internal */
export const backupSql = {
  note: metaSql.read,
  head: 'SELECT max(revision) FROM changes',
} as const;
