import type { Clock } from '../../common/clock.js';
import { isKept } from '../../common/kept-namespace.js';
import { logKey } from '../commands/entry-commands.js';
import type { RemovableRow } from '../entry-table.js';
import type { Storage } from '../storage.js';
import type { MaintenanceTask } from '../../common/maintenance-task.js';

/** Something other than entries that takes room in the file. @internal */
export interface Reclaimer {
  /** Gives up some of its excess; returns false when there is none. */
  reclaim(): boolean;
}

/** @internal */
export interface EntryName {
  readonly namespace: string;
  readonly key: string;
}

/** @internal */
export interface EvictorParts {
  readonly storage: Storage;
  readonly clock: Clock;
  /** Bound of the database file, in bytes; Infinity for none. */
  readonly maxBytes: number;
  /** Bound of the rows; Infinity for none. */
  readonly maxEntries: number;
  /** Asked to give up room before entries are evicted. */
  readonly givers: readonly Reclaimer[];
  /** Whether an entry was recently read from memory: it is spared while others can be evicted. */
  readonly isHot: (namespaceId: number, key: string) => boolean;
  /** Receives entries that have left L2, so that memory drops them too. */
  readonly onEvicted: (rows: readonly RemovableRow[]) => void;
}

/** Above the higher share of the bound, entries are evicted until the lower share is reached. */
const HIGH_WATER = 0.95;
const LOW_WATER = 0.92;
const LOW_ENTRIES = 0.98;

/** Rows that one step reads and removes at most, and the number of such pages when it finds rows that must not be evicted. */
const LOOK_ROWS = 300;
const LOOK_PAGES = 10;
const EVICT_ROWS = 100;
/** Approximate bytes of tags that one step removes. */
const EVICT_TAG_BYTES = 128 * 1024;

/** Eviction steps that a batch of writes waits for at most; the rest runs between the batches. */
const STEPS_PER_BATCH = 24;

/**
 * Keeps the file and the number of entries within their bounds. It uses CLOCK over the rows in order of age, with stale
 * rows first. The reference bit is that of L1, because reads never write and L2 itself knows nothing of use.
 *
 * @internal
 */
export class Evictor implements MaintenanceTask {
  #hand = 0;
  #room = 0;
  #evicted = 0;

  constructor(private readonly parts: EvictorParts) {}

  /** Live entries removed for space since the start. */
  get evicted(): number {
    return this.#evicted;
  }

  /**
   * Makes room for a batch before it is written, so that it fits under the bounds.
   *
   * @param rows rows that the batch may add
   * @param growth bytes that the batch may add to the file
   * @param replaced large entries that the batch overwrites. SQLite stores the new value before it releases the old
   * one. So when there is no room for both, the old one is removed first
   * @returns false when the batch does not fit, because the remaining entries must not be evicted
   */
  makeRoom(rows: number, growth: number, replaced: readonly EntryName[] = []): boolean {
    if (growth <= this.#room && !this.#isOverEntries(rows)) {
      this.#room -= growth;
      return true;
    }
    if (replaced.length > 0 && this.#isOverBytes(growth)) this.#remove(this.#find(replaced));
    for (let i = 0; i < STEPS_PER_BATCH; i++) {
      if (!this.#reduce(growth, rows)) break;
    }
    this.#room = this.parts.maxBytes * HIGH_WATER - this.#usedBytes() - growth;
    return this.#room >= 0 && !this.#isOverEntries(rows);
  }

  /** Runs between the batches, and finishes what they left undone. */
  step(): boolean {
    return this.#reduce(0, 0);
  }

  /** Takes one step towards the bounds; returns false when the bounds hold, or when nothing is left to remove. */
  #reduce(growth: number, rows: number): boolean {
    const isOverBytes = this.#isOverBytes(growth);
    if (isOverBytes && this.parts.givers.some((giver) => giver.reclaim())) return true;
    if (!isOverBytes && !this.#isOverEntries(rows)) return false;
    const { chosen, hand } = this.#choose();
    if (chosen.length === 0) return false;
    const gone = this.#remove(chosen, (count) => this.#isEnough(growth, rows - count));
    this.#hand = hand ?? gone.at(-1)?.id ?? this.#hand;
    return gone.length > 0;
  }

  #usedBytes(): number {
    return this.parts.maxBytes === Infinity ? 0 : this.parts.storage.size().usedBytes;
  }

  #isOverBytes(growth: number): boolean {
    return this.#usedBytes() + growth > this.parts.maxBytes * HIGH_WATER;
  }

  #isOverEntries(added: number): boolean {
    return this.parts.storage.counts.total + added > this.parts.maxEntries;
  }

  /** Removes entries, at most one batch, until enough are gone; returns the removed ones. */
  #remove(
    rows: readonly RemovableRow[],
    isEnough = (_gone: number): boolean => false,
  ): RemovableRow[] {
    if (rows.length === 0) return [];
    const { storage, onEvicted } = this.parts;
    const gone: RemovableRow[] = [];
    storage.transaction(() => {
      const mostWritten = storage.tags.written + EVICT_TAG_BYTES;
      for (const row of rows) {
        if (gone.length === EVICT_ROWS || isEnough(gone.length)) break;
        if (storage.tags.written > mostWritten) break;
        storage.entries.removeById(row.id, row.namespace_id);
        // Tags of the entry's earlier lives are removed too, because they may be what takes up the room.
        storage.tags.removeOfEntry(row.id);
        logKey(storage, row.namespace_id, row.key);
        gone.push(row);
      }
    });
    this.#evicted += gone.length;
    onEvicted(gone);
    return gone;
  }

  /** The counts of the storage change only at the commit, so the caller subtracts the removed entries from `added`. */
  #isEnough(growth: number, added: number): boolean {
    const { storage, maxBytes, maxEntries } = this.parts;
    return (
      this.#usedBytes() + growth <= maxBytes * LOW_WATER &&
      storage.counts.total + added <= maxEntries * LOW_ENTRIES
    );
  }

  #find(names: readonly EntryName[]): RemovableRow[] {
    const { entries, namespaces } = this.parts.storage;
    return names.flatMap(({ namespace, key }) => {
      const id = namespaces.idOf(namespace);
      const row = id === undefined ? undefined : entries.find(id, key);
      return id === undefined || row === undefined ? [] : [{ ...row, namespace_id: id, key }];
    });
  }

  /** The next rows behind the hand that may be evicted. The hand moves past rows that must stay. */
  #evictable(): RemovableRow[] {
    const { entries, namespaces } = this.parts.storage;
    const kept = new Set(namespaces.all().flatMap(([name, id]) => (isKept(name) ? [id] : [])));
    for (let page = 0; page < LOOK_PAGES; page++) {
      const rows = entries.after(this.#hand, LOOK_ROWS);
      const evictable = rows.filter(({ namespace_id }) => !kept.has(namespace_id));
      if (evictable.length > 0) return evictable;
      if (rows.length === 0 && this.#hand === 0) return [];
      this.#hand = rows.at(-1)?.id ?? 0;
    }
    return [];
  }

  /** The next rows to evict. For stale rows, which lie among others, the hand does not move. */
  #choose(): { chosen: RemovableRow[]; hand?: number } {
    const { storage, isHot, clock } = this.parts;
    const rows = this.#evictable();
    const cold = rows.filter((row) => !isHot(row.namespace_id, row.key));
    const now = clock.now();
    const stale = cold.slice(0, EVICT_ROWS).filter(({ id }) => storage.entries.isStale(id, now));
    if (stale.length > 0) return { chosen: stale, hand: this.#hand };
    // When all rows are hot, they must yield too, or the bound would not hold.
    return { chosen: cold.length > 0 ? cold : rows };
  }
}
