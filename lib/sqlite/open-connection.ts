import { renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf } from '../common/errno.js';
import {
  ForeignFileError,
  HyperCacheError,
  NewerSchemaError,
  StorageOpenError,
} from '../common/errors.js';
import { makeDirectory } from './file-mode.js';
import { connect, type Connection } from './native.js';
import {
  APPLICATION_ID,
  NEW_FILE,
  connectionPragmas,
  pragmaSql,
  transactionSql,
} from './sql/pragmas.js';
import { MIGRATIONS } from './sql/schema.js';
import { isCorruption, isUnreadable, sqliteCode, toStorageError } from './sqlite-error.js';

/** How long opening, migrating and leaving may wait for other processes that write, in ms. @internal */
export const OPEN_TIMEOUT_MS = 5000;

/** @internal */
export interface OpenOptions {
  readonly path: string;
  /** Whether every commit reaches the disk before it returns. */
  readonly fullSync: boolean;
  /** Unix ms, for the name of a quarantined file. */
  readonly now: number;
}

/** @internal */
export interface OpenedConnection {
  readonly connection: Connection;
  /** Where a damaged file was put, if there was one. */
  readonly quarantined: string | undefined;
}

/**
 * Opens the file, and creates or migrates it. A damaged file is put aside and a new one begun. The connection waits for
 * other processes up to {@link OPEN_TIMEOUT_MS}.
 *
 * @throws {HC_STORAGE_OPEN | HC_STORAGE_FOREIGN | HC_SCHEMA_NEWER | HC_NATIVE_MODULE}
 * @internal
 */
export function openConnection(options: OpenOptions): OpenedConnection {
  createDirectory(dirname(options.path));
  try {
    return { connection: openAndMigrate(options), quarantined: undefined };
  } catch (error) {
    if (!isCorruption(error)) throw error;
    const quarantined = quarantine(options.path, options.now);
    return { connection: openAndMigrate(options), quarantined };
  }
}

/**
 * Opens a file that belongs to another node.
 *
 * @throws {HC_STORAGE_OPEN | HC_STORAGE_FOREIGN | HC_SCHEMA_NEWER | HC_NATIVE_MODULE}
 * @internal
 */
export function openForReading(path: string): Connection {
  let connection: Connection | undefined;
  try {
    connection = connect(path, { readonly: true, timeout: 0 });
    const read = (sql: string): unknown => connection?.prepare(sql).pluck().get();
    if (read(pragmaSql.readApplicationId) !== APPLICATION_ID) throw new ForeignFileError(path);
    const version = Number(read(pragmaSql.readUserVersion));
    if (version !== MIGRATIONS.length) throw new NewerSchemaError(path, version, MIGRATIONS.length);
    return connection;
  } catch (error) {
    connection?.close();
    if (error instanceof HyperCacheError) throw error;
    throw cannotRead(path, error);
  }
}

/**
 * Checks that the disk can be read, before a file is given up: when it cannot, SQLite may claim that the file is
 * damaged. The check uses SQLite itself, because closing a file in any other way would release its locks.
 *
 * @throws {HC_STORAGE_FAILED}
 * @internal
 */
export function assertReadable(path: string): void {
  let probe: Connection | undefined;
  try {
    probe = connect(path, { readonly: true, timeout: 0 });
    probe.prepare(pragmaSql.tableCount).pluck().get();
  } catch (error) {
    if (isUnreadable(error)) throw toStorageError(error);
  } finally {
    probe?.close();
  }
}

/**
 * Puts the database, -wal and -shm aside as one set, so that no leftover is ever applied to a new file.
 *
 * @returns the new path of the database file
 * @internal
 */
export function quarantine(path: string, now: number): string {
  const target = `${path}.corrupt-${now}`;
  for (const suffix of ['-wal', '-shm', '']) {
    try {
      renameSync(path + suffix, target + suffix);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw cannotOpen(path, error);
    }
  }
  return target;
}

function createDirectory(directory: string): void {
  try {
    makeDirectory(directory);
  } catch (error) {
    throw cannotOpen(directory, error);
  }
  if (!statSync(directory).isDirectory()) throw cannotOpen(directory, undefined);
}

function openAndMigrate(options: OpenOptions): Connection {
  let connection: Connection;
  try {
    connection = connect(options.path, { timeout: OPEN_TIMEOUT_MS });
  } catch (error) {
    if (sqliteCode(error) === '' && !(error instanceof TypeError)) throw error;
    throw cannotOpen(options.path, error);
  }
  try {
    prepareFile(connection, options);
    return connection;
  } catch (error) {
    connection.close();
    if (sqliteCode(error) === '' || isCorruption(error)) throw error;
    throw cannotOpen(options.path, error);
  }
}

function prepareFile(connection: Connection, { path, fullSync }: OpenOptions): void {
  const read = (sql: string): unknown => connection.prepare(sql).pluck().get();
  const isNew = read(pragmaSql.tableCount) === 0;
  // Read this after the tables: another process may be creating the file, and commits both together.
  const applicationId = read(pragmaSql.readApplicationId);
  if (!isNew && applicationId !== APPLICATION_ID) throw new ForeignFileError(path);
  if (isNew) connection.exec(NEW_FILE);
  read(pragmaSql.walMode);
  connection.exec(connectionPragmas(fullSync ? 'FULL' : 'NORMAL'));
  connection.exec(transactionSql.begin);
  try {
    const version = Number(read(pragmaSql.readUserVersion));
    if (version > MIGRATIONS.length) throw new NewerSchemaError(path, version, MIGRATIONS.length);
    if (version < MIGRATIONS.length) {
      for (const migration of MIGRATIONS.slice(version)) connection.exec(migration);
      connection.exec(pragmaSql.writeApplicationId);
      connection.exec(pragmaSql.writeUserVersion(MIGRATIONS.length));
    }
    connection.exec(transactionSql.commit);
  } catch (error) {
    if (connection.inTransaction) connection.exec(transactionSql.rollback);
    throw error;
  }
}

function cannotOpen(path: string, cause: unknown): StorageOpenError {
  return new StorageOpenError(
    `${path} cannot be opened for writing: ${reasonOf(cause)}.`,
    'Point sqlitePath (or HYPERCACHE_SQLITE_PATH) at a directory that this process may write to, on a local disk.',
    { cause },
  );
}

function cannotRead(path: string, cause: unknown): StorageOpenError {
  return new StorageOpenError(
    `${path} cannot be read: ${reasonOf(cause)}.`,
    "With replica: 'shared', point sqlitePath at the primary's own directory, on the same host; this node opens the file as soon as it exists.",
    { cause },
  );
}

function reasonOf(cause: unknown): string {
  // Under Jest, Node's own errors come from another realm, so `instanceof` does not work here.
  if (typeof cause !== 'object' || cause === null) return 'it is not a directory';
  return 'message' in cause ? String(cause.message) : 'for no known reason';
}
