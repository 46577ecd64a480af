import { existsSync, rmSync } from 'node:fs';
import { FileLock } from './file-lock.js';
import type { Connection } from './native.js';
import { leaseSql, processSql } from './sql/leases.js';

/** @internal */
export interface JoiningProcess {
  /** Path of the database file. */
  readonly path: string;
  readonly processId: string;
  /** The machine has not restarted since the file was last opened. */
  readonly isSameBoot: boolean;
  /** Monotonic ms. */
  readonly now: number;
}

/** @internal */
export interface Membership {
  /** No process had the file open, and none had left it without a clean stop. */
  readonly wasClean: boolean;
  /** Whether other processes certainly have the file open. */
  readonly isJoining: boolean;
  readonly leave: () => void;
  /** Whether other processes have the file open, or have left it without a clean stop. */
  readonly isShared: () => boolean;
}

/**
 * Shows other processes that this one has a file open. The operating system ends the lock together with the process,
 * so it is right across containers too, in which each process may have the same pid.
 *
 * @internal
 */
export class ProcessLock {
  readonly #path: string;
  readonly #lock: FileLock;

  constructor(path: string, processId: string) {
    this.#path = `${path}-process-${processId}`;
    this.#lock = new FileLock(this.#path);
  }

  /** @throws SQLite's error where the file of the lock cannot be made */
  acquire(): void {
    this.#lock.acquire(0);
  }

  /** Whether its process runs; undefined where this process may not find out. */
  isHeld(): boolean | undefined {
    if (!existsSync(this.#path)) return false;
    try {
      const isFree = this.#lock.tryAcquire();
      this.#lock.release();
      return !isFree;
    } catch {
      return undefined;
    }
  }

  /** Called once the file is closed, or when the process is gone. */
  release(): void {
    this.#lock.release();
    try {
      rmSync(this.#path, { force: true });
    } catch {
      // An empty file stays. It says nothing without the row of its process.
    }
  }
}

/**
 * Records that this process has the file open, and forgets processes that are gone. When none is left, every live lease
 * gets its full ttl again. Called inside a transaction, while this process holds its {@link ProcessLock}.
 *
 * @internal
 */
export function joinProcesses(connection: Connection, joining: JoiningProcess): Membership {
  const { path, processId, isSameBoot, now } = joining;
  const leave = connection.prepare(processSql.leave);
  const dropWaiters = connection.prepare(leaseSql.dropWaitersOf);
  const known = connection.prepare(processSql.all).pluck().all() as string[];
  let isAlone = true;
  let isJoining = false;
  for (const id of known) {
    const lock = new ProcessLock(path, id);
    const isHeld = lock.isHeld();
    isJoining ||= isHeld === true;
    if (isHeld ?? isSameBoot) {
      isAlone = false;
      continue;
    }
    lock.release();
    leave.run(id);
    dropWaiters.run(id);
  }
  connection.prepare(processSql.beat).run(processId, now);
  const other = connection.prepare(processSql.other);
  // While others stayed, time continued. A process that keeps crashing must not prolong the leases of dead ones.
  if (isAlone) connection.prepare(leaseSql.renewAll).run({ now, anew: isSameBoot ? 0 : 1 });
  return {
    wasClean: known.length === 0,
    isJoining,
    leave: () => {
      leave.run(processId);
      dropWaiters.run(processId);
    },
    isShared: () => other.get(processId) !== undefined,
  };
}
