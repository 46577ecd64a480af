import { statSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { connect, type Connection } from './native.js';
import { lockSql } from './sql/pragmas.js';
import { isBusy } from './sqlite-error.js';
import { whenFree, type Patience } from './when-free.js';

/**
 * A lock on a name in a directory, held by one process of the machine at a time, or shared by several. The system gives it back when its
 * process ends, however that ends: there is no lease that has to run out.
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
   * Takes it if it is free.
   *
   * @throws SQLite's error where there can be no lock
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
   * As {@link tryAcquire}, within a time, in ms, which holds the event loop.
   *
   * @throws SQLITE_BUSY when the time is over
   */
  acquire(timeoutMs: number): void {
    this.#take(lockSql.take, timeoutMs);
  }

  /**
   * Takes it beside others who share it, as soon as nobody has it alone, without holding the event loop.
   *
   * @throws SQLITE_BUSY when the time is over; SQLite's error where there can be no lock
   */
  async share(patience: Patience): Promise<void> {
    await whenFree(() => this.shareNow(), patience);
  }

  /** As {@link share}. @throws SQLITE_BUSY at once while another process has it alone */
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
   * By its holder: {@link lastBeat} becomes another one. By the times of the file, because opening and closing it would
   * end the lock.
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

/** In the directory of the files. */
const LOCK_FILE_NAME = 'hypercache.lock';

/**
 * Runs `body`, which opens the file, while nobody puts another one in its place: who opens the old file between the
 * removal of its log and its own would share a log with the new one. Where no lock can be had, as in a directory that is
 * gone or may only be read, it runs all the same.
 *
 * @throws SQLITE_BUSY at once while somebody does, or what `body` throws
 * @internal
 */
export function whileUnchanged<T>(path: string, body: () => T): T {
  return whileHeld(path, (lock) => lock.shareNow(), body);
}

/**
 * As {@link whileUnchanged}, for who puts another file in its place, or may have to: while nobody opens it either.
 *
 * @param timeoutMs how long it waits for them, which holds the event loop
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
    // Whatever stands in the way of a lock stands in the way of the file, which says it better.
  }
  try {
    return body();
  } finally {
    lock.release();
  }
}
