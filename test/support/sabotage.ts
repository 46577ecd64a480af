import Database from 'better-sqlite3';
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';

const PAGE_SIZE_OFFSET = 16;

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

/** Overwrites pages of a database file, the first of which is 1, so that none makes sense. */
export function overwritePages(file: string, from: number, to = Infinity): void {
  const fd = openSync(file, 'r+');
  try {
    const header = Buffer.alloc(100);
    readSync(fd, header, 0, header.length, 0);
    const pageSize = header.readUInt16BE(PAGE_SIZE_OFFSET);
    const { size } = fstatSync(fd);
    for (let page = from; page <= to && page * pageSize <= size; page++) {
      writeSync(fd, Buffer.alloc(pageSize, 0xa5), 0, pageSize, (page - 1) * pageSize);
    }
  } finally {
    closeSync(fd);
  }
}
