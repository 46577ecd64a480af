import { statSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { connect, type Connection } from './native.js';
import { lockSql } from './sql/pragmas.js';
import { isBusy } from './sqlite-error.js';
import { whenFree, type Patience } from './when-free.js';

/**
 * A lock on a name in a directory. One process of the machine holds it at a time, or several share it. The operating
 * system releases it when its process ends, however that happens, so no lease has to expire.
 *
 * @internal
 */
export class FileLock {
  #connection: Connection | undefined;

  constructor(private readonly path: string) {}

  get isHeld(): boolean {
    return this.#connection !== undefined;
  }

  /**
   * Takes the lock if it is free.
   *
   * @throws SQLite's error where locks are not possible
   */
  tryAcquire(): boolean {
    try {
      this.acquire(0);
      return true;
    } catch (error) {
      if (isBusy(error)) return false;
      throw error;
    }
  }

  /**
   * As {@link tryAcquire}, but waits up to a time, in ms. This wait holds the event loop.
   *
   * @throws SQLITE_BUSY when the time is over
   */
  acquire(timeoutMs: number): void {
    this.#take(lockSql.take, timeoutMs);
  }

  /**
   * Shares the lock with others as soon as no process holds it exclusively, without holding the event loop.
   *
   * @throws SQLITE_BUSY when the time is over; SQLite's error where locks are not possible
   */
  async share(patience: Patience): Promise<void> {
    await whenFree(() => this.shareNow(), patience);
  }

  /** As {@link share}. @throws SQLITE_BUSY immediately while another process holds it exclusively */
  shareNow(): void {
    this.#take(lockSql.share, 0);
  }

  #take(sql: string, timeoutMs: number): void {
    if (this.#connection !== undefined) return;
    const connection = connect(this.path, { timeout: timeoutMs });
    try {
      // Nothing is ever written: the file stays empty.
      connection.exec(sql);
      this.#connection = connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  release(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  /**
   * Changes {@link lastBeat}; called by the holder. It uses the times of the file, because opening and closing the file
   * would release the lock.
   *
   * @param now Unix ms
   */
  beat(now: number): void {
    const seconds = Math.max(now, (this.lastBeat() ?? 0) + 1) / 1000;
    utimesSync(this.path, seconds, seconds);
  }

  /** Changes with each beat; undefined while there is no file. */
  lastBeat(): number | undefined {
    return statSync(this.path, { throwIfNoEntry: false })?.mtimeMs;
  }
}

/** Name of the lock file, in the directory of the files. */
const LOCK_FILE_NAME = 'hypercache.lock';

/**
 * Runs `body`, which opens the file, while no process replaces it. A process that opened the old file between the
 * removal of its log and of the file itself would share a log with the new file. Where no lock is possible, `body` runs
 * all the same. An example is a directory that is gone or read-only.
 *
 * @throws SQLITE_BUSY immediately while a process replaces the file, or what `body` throws
 * @internal
 */
export function whileUnchanged<T>(path: string, body: () => T): T {
  return whileHeld(path, (lock) => lock.shareNow(), body);
}

/**
 * As {@link whileUnchanged}, for a process that replaces the file, or may have to: meanwhile no process opens it
 * either.
 *
 * @param timeoutMs how long it waits for them. This wait holds the event loop
 * @throws SQLITE_BUSY when the time is over, or what `body` throws
 * @internal
 */
export function whileUnused<T>(path: string, body: () => T, timeoutMs: number): T {
  return whileHeld(path, (lock) => lock.acquire(timeoutMs), body);
}

function whileHeld<T>(path: string, take: (lock: FileLock) => void, body: () => T): T {
  const lock = new FileLock(join(dirname(path), LOCK_FILE_NAME));
  try {
    take(lock);
  } catch (error) {
    if (isBusy(error)) throw error;
    // Whatever prevents the lock also prevents opening the file, and that error is clearer.
  }
  try {
    return body();
  } finally {
    lock.release();
  }
}
