import {
  HyperCacheError,
  StorageBusyError,
  StorageFailedError,
  StorageFullError,
} from '../common/errors.js';

/** SQLite's own code of a failure or of its cause, such as 'SQLITE_FULL'; '' for anything else. @internal */
export function sqliteCode(failure: unknown): string {
  const error = failure instanceof HyperCacheError ? failure.cause : failure;
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' && error.code.startsWith('SQLITE_') ? error.code : '';
}

/** Whether the file's content is damaged: only a new file helps. @internal */
export function isCorruption(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT');
}

/** Whether the file cannot be read at the moment, whatever it contains. @internal */
export function isUnreadable(error: unknown): boolean {
  return sqliteCode(error).startsWith('SQLITE_IOERR');
}

/** Whether another connection holds a lock that may be free a moment later. @internal */
export function isBusy(error: unknown): boolean {
  return sqliteCode(error).startsWith('SQLITE_BUSY');
}

/** Whether a lone statement used a row id that another process had taken. @internal */
export function isTakenRowId(error: unknown): boolean {
  return ['SQLITE_CONSTRAINT_PRIMARYKEY', 'SQLITE_CONSTRAINT_ROWID'].includes(sqliteCode(error));
}

/** Converts a failure of SQLite to its typed error. @internal */
export function toStorageError(error: unknown): HyperCacheError {
  if (error instanceof HyperCacheError) return error;
  const code = sqliteCode(error);
  if (code.startsWith('SQLITE_FULL')) return new StorageFullError(error);
  if (code.startsWith('SQLITE_BUSY')) return new StorageBusyError(error);
  return new StorageFailedError(error);
}
