import { endOfThrottle, type ThrottleName, type ThrottleState } from '../engine/throttle.js';
import type { Connection, Statement } from './native.js';
import type { RowIds } from './row-ids.js';
import { throttleSql } from './sql/throttles.js';

interface ThrottleRow {
  readonly id: number;
  readonly hits: Uint8Array;
  readonly period_end: number;
  readonly block_until: number;
  readonly ttl: number;
  readonly block: number;
}

/** A state and the id of its row. @internal */
export interface StoredThrottle extends ThrottleState {
  readonly id: number;
}

/** Some rows in the order of their ids. @internal */
export interface ThrottlePage {
  /** The id of the last row; undefined when there is none. */
  readonly last: number | undefined;
  readonly rows: number;
  /** Bytes of their contents. */
  readonly bytes: number;
}

/**
 * The hits of each throttled key.
 *
 * @internal
 */
export class ThrottleTable {
  /** Rows that this process has added. */
  added = 0;
  readonly #find: Statement;
  readonly #insert: Statement;
  readonly #update: Statement;
  readonly #remove: Statement;
  readonly #removeAll: Statement;
  readonly #page: Statement;
  readonly #forgetEnded: Statement;
  readonly #forgetFirst: Statement;

  constructor(
    connection: Connection,
    private readonly rowIds: RowIds,
  ) {
    this.#find = connection.prepare(throttleSql.find);
    this.#insert = connection.prepare(throttleSql.insert);
    this.#update = connection.prepare(throttleSql.update);
    this.#remove = connection.prepare(throttleSql.remove);
    this.#removeAll = connection.prepare(throttleSql.removeAll);
    this.#page = connection.prepare(throttleSql.page);
    this.#forgetEnded = connection.prepare(throttleSql.forgetEnded);
    this.#forgetFirst = connection.prepare(throttleSql.forgetFirst);
  }

  find({ key, name }: ThrottleName): StoredThrottle | undefined {
    const row = this.#find.get(key, name) as ThrottleRow | undefined;
    if (row === undefined) return undefined;
    const { id, hits, period_end: periodEnd, block_until: blockUntil, ttl, block } = row;
    return { id, hits: unpacked(hits), periodEnd, blockUntil, ttl, block };
  }

  add({ key, name }: ThrottleName, state: ThrottleState): void {
    const { lastInsertRowid } = this.#insert.run(key, name, ...columnsOf(state));
    this.rowIds.noteForeign(Number(lastInsertRowid));
    this.added++;
  }

  set(id: number, state: ThrottleState): void {
    this.#update.run(...columnsOf(state), id);
  }

  /** @returns whether there was a row */
  remove(key: string, name: string | undefined): boolean {
    const { changes } = name === undefined ? this.#removeAll.run(key) : this.#remove.run(key, name);
    return changes > 0;
  }

  page(after: number, limit: number): ThrottlePage {
    const { last, rows, bytes } = this.#page.get(after, limit) as {
      last: number | null;
      rows: number;
      bytes: number;
    };
    return { last: last ?? undefined, rows, bytes };
  }

  /** Forgets the rows between two ids that have ended; returns how many. */
  forgetEnded(after: number, last: number, now: number): number {
    return this.#forgetEnded.run(after, last, now).changes;
  }

  /** Forgets this many of the rows between two ids, those that end first; returns how many. */
  forgetFirst(after: number, last: number, count: number): number {
    return this.#forgetFirst.run(after, last, count).changes;
  }
}

function columnsOf(state: ThrottleState): unknown[] {
  const { hits, periodEnd, blockUntil, ttl, block } = state;
  const packed = Buffer.from(Float64Array.from(hits).buffer);
  return [packed, periodEnd, blockUntil, ttl, block, endOfThrottle(state)];
}

function unpacked(hits: Uint8Array): number[] {
  // The copy aligns the bytes to a multiple of 8.
  return Array.from(new Float64Array(Uint8Array.from(hits).buffer));
}
