import { metaSql } from './meta.js';

/**
 * Finishes a copy: removes the processes and waiters of the original, and adds the note that the copy shows another
 * moment.
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

/** Reads the identity and the position of a copy. @internal */
export const backupSql = {
  note: metaSql.read,
  head: 'SELECT max(revision) FROM changes',
} as const;
