import type { Clock } from '../../common/clock.js';
import { isExpired } from '../../common/expiry.js';
import { forgetTags } from '../commands/entry-commands.js';
import type { Storage } from '../storage.js';
import type { RemovableRow } from '../entry-table.js';
import type { TagRow } from '../tag-table.js';
import type { MaintenanceTask } from '../../common/maintenance-task.js';
import { AdaptiveBatch } from './adaptive-batch.js';

/** Rows that one step reads, and rows that all steps between two rests read. Large values lie far apart in the file. */
const MIN_SCAN_ROWS = 16;
const MAX_SCAN_ROWS = 1000;
/** What one step removes at most: this many rows, and as many as the time allows. The commit comes on top. */
const REMOVE_ROWS = 300;
const REMOVE_MS = 2;
const REMOVE_TAG_BYTES = 32 * 1024;

/**
 * Removes what reads can no longer reach, in bounded steps: rows of cleared namespaces, expired entries, and tags of
 * earlier lives of entries. An index on the deadline would halve the throughput of writes, so the sweeper finds expired
 * entries by walking the table, round after round.
 *
 * A sweep is no change: every reader already judges the deadline itself.
 *
 * @internal
 */
export class Sweeper implements MaintenanceTask {
  #cursor = 0;
  #tagCursor: TagRow | undefined;
  #tagsDue = true;
  #swept = 0;
  readonly #scanSize: AdaptiveBatch;
  #scannedSinceRest = 0;

  constructor(
    private readonly storage: Storage,
    private readonly clock: Clock,
  ) {
    this.#scanSize = new AdaptiveBatch(clock, MIN_SCAN_ROWS, MAX_SCAN_ROWS);
  }

  /** Expired entries removed since the start. */
  get swept(): number {
    return this.#swept;
  }

  get isMidway(): boolean {
    return this.#cursor > 0;
  }

  step(): boolean {
    const cleared = this.storage.namespaces.firstCleared();
    if (cleared !== undefined) {
      this.#sweepNamespace(cleared);
      return true;
    }
    return this.#tagsDue ? this.#sweepTags() : this.#sweepExpired();
  }

  #sweepNamespace(namespaceId: number): void {
    const { entries, namespaces } = this.storage;
    this.storage.transaction(() => {
      const rows = entries.ofNamespace(namespaceId, REMOVE_ROWS);
      const removed = this.#remove(rows.map((row) => ({ ...row, namespace_id: namespaceId })));
      const isEnd = rows.length < REMOVE_ROWS && removed === rows.length;
      if (isEnd) namespaces.removeCleared(namespaceId);
    });
  }

  #sweepTags(): boolean {
    this.#tagCursor = this.storage.transaction(() =>
      this.storage.tags.collect(this.#tagCursor, REMOVE_ROWS, this.#timer()),
    );
    this.#tagsDue = this.#tagCursor !== undefined;
    return true;
  }

  /** Returns whether the round continues without a rest: it has found much, or has read only a few rows. */
  #sweepExpired(): boolean {
    const now = this.clock.now();
    const { rows, isLast } = this.#scan();
    const expired = rows.filter((row) => isExpired(row.expires_at, now));
    const removed =
      expired.length === 0 ? 0 : this.storage.transaction(() => this.#remove(expired));
    this.#swept += removed;
    const isCut = removed < expired.length;
    const isEnd = isLast && !isCut;
    this.#cursor = isEnd ? 0 : ((isCut ? expired[removed - 1] : rows.at(-1))?.id ?? 0);
    this.#tagsDue = isEnd;
    // A round over a large table that finds little is spread over the ticks.
    const foundMuch = isCut || removed > rows.length / 20;
    if (!isEnd && (foundMuch || this.#scannedSinceRest < MAX_SCAN_ROWS)) return true;
    this.#scannedSinceRest = 0;
    return false;
  }

  /** Removes the first of these rows, at least one; returns how many. Called inside a transaction. */
  #remove(rows: readonly Pick<RemovableRow, 'id' | 'namespace_id' | 'tag_set'>[]): number {
    const isLate = this.#timer();
    let removed = 0;
    for (const row of rows) {
      this.storage.entries.removeById(row.id, row.namespace_id);
      forgetTags(this.storage, row);
      removed++;
      if (removed === REMOVE_ROWS || isLate()) break;
    }
    return removed;
  }

  /** Returns a function that reports whether a step, counted from now, has taken long enough. */
  #timer(): () => boolean {
    const end = this.clock.monotonic() + REMOVE_MS;
    const { tags } = this.storage;
    const mostWritten = tags.written + REMOVE_TAG_BYTES;
    return () => this.clock.monotonic() > end || tags.written > mostWritten;
  }

  #scan(): { rows: RemovableRow[]; isLast: boolean } {
    let rows: RemovableRow[] = [];
    let isLast = false;
    this.#scanSize.run((limit) => {
      rows = this.storage.entries.after(this.#cursor, limit);
      isLast = rows.length < limit;
      return rows.length;
    });
    this.#scannedSinceRest += rows.length;
    return { rows, isLast };
  }
}
