import type { Awaitable } from '../common/awaitable.js';
import type { Lifetime } from '../common/expiry.js';

/** An entry as an engine has it, fresh or stale, by the engine's clock. @internal */
export interface L2Entry extends Lifetime {
  /** Decoded, and the reader's own. */
  readonly value: unknown;
  /** Of the encoded value: roughly what it takes in memory. */
  readonly bytes: number;
}

/** @internal */
export interface VersionedEntry {
  readonly value: unknown;
  /** 0 on a miss. Compare it with revisions of the same key only. */
  readonly revision: number;
  /** When it stops being fresh: Unix ms, Infinity when it never does, undefined on a miss. */
  readonly expiresAt: number | undefined;
}

/** Some of a listing. @internal */
export interface Page<T> {
  readonly items: readonly T[];
  /** The key that the next page follows, whoever reads it; undefined after the last one. */
  readonly next: string | undefined;
}

/** @internal */
export type ListedEntry = [key: string, value: unknown];

/**
 * A moment in the life of a key, for its engine to recognize. What else stands in it is the engine's own.
 *
 * @internal
 */
export interface Seen {
  readonly key: string;
  /** Their deletions count as changes of the key. */
  readonly tags: readonly string[];
}

/** What a key was found to be, and when that was. @internal */
export interface Observation {
  readonly entry: L2Entry | undefined;
  readonly seen: Seen;
}

/**
 * The committed entries of one namespace. What an engine has at hand it returns at once, the rest by a promise. Methods
 * throw or reject with a `HyperCacheError`; a value that cannot be read is one of them.
 *
 * @internal
 */
export interface L2 {
  /** Where answers come from just now. */
  readonly layer: 'l2' | 'primary';
  /** The fresh value alone; undefined on a miss. Cheaper than {@link read}. */
  readValue(key: string): Awaitable<unknown>;
  /** The entry, fresh or stale. Reads of one turn of the event loop may travel together. */
  read(key: string): Awaitable<L2Entry | undefined>;
  /** When the fresh entry stops being fresh, without reading its value. */
  freshUntil(key: string): Awaitable<number | undefined>;
  /** The fresh entry. */
  readVersioned(key: string): Awaitable<VersionedEntry>;
  /**
   * The entry, fresh or stale, and a moment at which it was there. Whatever is committed to the key after that is found by
   * {@link isCurrent}, and refuses a fill. Never fails: what cannot be read is told, and no entry.
   */
  observe(key: string, tags: readonly string[]): Awaitable<Observation>;
  /**
   * Whether nothing has happened to the key, to its tags, to these tags or to the whole namespace since then. What was
   * seen of another engine is not.
   */
  isCurrent(seen: Seen, tags: readonly string[]): Awaitable<boolean>;
  /** Fresh keys with this prefix behind a key, '' for the first page, in an order of the engine's own. */
  keysPage(prefix: string, after: string): Awaitable<Page<string>>;
  /** As {@link keysPage}, with values; one that cannot be read is told, and left out. */
  entriesPage(after: string): Awaitable<Page<ListedEntry>>;
}
