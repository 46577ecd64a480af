import Database from 'better-sqlite3';

export { overwritePages } from '../../lib/testing/faults/damage-file.js';

/** Runs SQL on a database file as another program would. */
export function runSql(file: string, ...statements: string[]): void {
  const database = new Database(file);
  try {
    for (const statement of statements) database.exec(statement);
  } finally {
    database.close();
  }
}

/** Moves everything from the write-ahead log into the database file, and makes readers read it anew. */
export function checkpointFromOutside(file: string): void {
  runSql(
    file,
    `UPDATE meta SET value = value WHERE name = 'history_id'`,
    'PRAGMA wal_checkpoint(TRUNCATE)',
  );
}
