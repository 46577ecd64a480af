import { existsSync } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { BackupFailedError, HyperCacheError } from '../common/errors.js';
import { nameFile, reserveFile } from '../common/name-file.js';
import { systemRandom } from '../common/random.js';
import { packageRequire } from './package-require.js';
import { backupSql, FINISH_BACKUP } from './sql/backup.js';
import { toStorageError } from './sqlite-error.js';

/** The content of a backup. @publicApi */
export interface BackupSummary {
  /** Size of the copy. */
  readonly bytes: number;
  /** On a secondary: the history id of the primary that it follows. The same applies to `epoch`. */
  readonly historyId: string;
  readonly epoch: number;
  /** Revision of the last change in the copy. */
  readonly revision: number;
}

interface WorkerAnswer extends Omit<BackupSummary, 'bytes'> {
  readonly error?: { readonly message: string; readonly code?: string };
}

/**
 * Runs in its own thread, on its own connections, so its waits do not hold the event loop. The whole copy is one step,
 * and therefore one read transaction: it shows one point in time, even while other connections write.
 */
const PROGRAM = `
const { parentPort, workerData } = require('node:worker_threads');
const { driver, from, to, finish, sql } = workerData;
const Database = require(driver);
(async () => {
  const source = new Database(from, { readonly: true, timeout: 5000 });
  try {
    await source.backup(to, { progress: () => 0x7fffffff });
  } finally {
    source.close();
  }
  const copy = new Database(to);
  try {
    copy.exec(finish);
    const note = copy.prepare(sql.note).pluck();
    return {
      historyId: String(note.get('history_id')),
      epoch: Number(note.get('epoch')),
      revision: Number(copy.prepare(sql.head).pluck().get()),
    };
  } finally {
    copy.close();
  }
})().then(
  (answer) => parentPort.postMessage(answer),
  (error) => parentPort.postMessage({ error: { message: error.message, code: error.code } }),
);
`;

/**
 * Copies a file that is in use, as of one point in time, without holding the event loop. The copy is complete and on
 * the disk before it gets its name. When several backups write to one path at the same time, one gets the name.
 *
 * @throws {HC_BACKUP_FAILED | HC_STORAGE_FULL | HC_STORAGE_BUSY}
 * @internal
 */
export async function backUp(from: string, to: string): Promise<BackupSummary> {
  if (existsSync(to)) throw taken(to);
  // With a predictable name, another user of the directory could place a link there in advance.
  const partial = `${to}.${systemRandom.hex(8)}.partial`;
  try {
    await reserveFile(partial);
  } catch (error) {
    throw asBackupError(to, error);
  }
  try {
    const answer = await copyInThread(from, partial);
    await sync(partial);
    if (!(await nameFile(partial, to))) throw taken(to);
    await remove(partial);
    const { size } = await stat(to);
    return { ...answer, bytes: size };
  } catch (error) {
    // Report why the copy failed, not why the partial file could not be removed.
    await remove(partial).catch(() => undefined);
    throw asBackupError(to, error);
  }
}

async function copyInThread(from: string, to: string): Promise<Omit<BackupSummary, 'bytes'>> {
  const driver = packageRequire.resolve('better-sqlite3');
  const workerData = { driver, from, to, finish: FINISH_BACKUP, sql: backupSql };
  const worker = new Worker(PROGRAM, { eval: true, workerData, execArgv: [] });
  try {
    return await new Promise((resolve, reject) => {
      worker.once('error', reject);
      worker.once('exit', () => reject(noAnswer(to)));
      worker.once('message', ({ error, ...answer }: WorkerAnswer) => {
        if (error === undefined) resolve(answer);
        else reject(error);
      });
    });
  } finally {
    await worker.terminate();
  }
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function remove(path: string): Promise<void> {
  for (const suffix of ['', '-journal', '-wal', '-shm']) await rm(path + suffix, { force: true });
}

function taken(to: string): BackupFailedError {
  return new BackupFailedError(`${to} already exists.`, 'Give a path that is free.');
}

function noAnswer(to: string): BackupFailedError {
  return new BackupFailedError(`The backup to ${to} ended without a result.`, 'Try again.');
}

function asBackupError(to: string, error: unknown): HyperCacheError {
  const known = toStorageError(error);
  if (known.code !== 'HC_STORAGE_FAILED') return known;
  const reason =
    typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : '';
  return new BackupFailedError(
    `The backup to ${to} failed: ${reason}.`,
    'Give a path in a directory that exists and can be written to.',
    { cause: error },
  );
}
