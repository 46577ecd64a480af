import type { Awaitable } from '../common/awaitable.js';
import type { Lifetime } from '../common/expiry.js';

/** An entry as an engine has it, fresh or stale, by the engine's clock. @internal */
export interface L2Entry extends Lifetime {
  /** Decoded; the reader owns it. */
  readonly value: unknown;
  /** Size of the encoded value: roughly what it takes in memory. */
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

/** A part of a listing. @internal */
export interface Page<T> {
  readonly items: readonly T[];
  /** The key after which the next page begins, for every reader; undefined after the last page. */
  readonly next: string | undefined;
}

/** @internal */
export type ListedEntry = [key: string, value: unknown];

/**
 * A moment in the life of a key, which its engine recognizes. An engine may add its own fields.
 *
 * @internal
 */
export interface Seen {
  readonly key: string;
  /** Their deletions count as changes of the key. */
  readonly tags: readonly string[];
}

/** What was found under a key, and when. @internal */
export interface Observation {
  readonly entry: L2Entry | undefined;
  readonly seen: Seen;
}

/**
 * The committed entries of one namespace. An engine returns what it already has directly, and everything else by a promise.
 * Methods throw or reject with a `HyperCacheError`, also for an unreadable value.
 *
 * @internal
 */
export interface L2 {
  /** Where answers come from at the moment. */
  readonly layer: 'l2' | 'primary';
  /** The fresh value alone; undefined on a miss. Cheaper than {@link read}. */
  readValue(key: string): Awaitable<unknown>;
  /** The entry, fresh or stale. Reads of one turn of the event loop may share a request. */
  read(key: string): Awaitable<L2Entry | undefined>;
  /** When the fresh entry stops being fresh, without reading its value. */
  freshUntil(key: string): Awaitable<number | undefined>;
  /** The fresh entry. */
  readVersioned(key: string): Awaitable<VersionedEntry>;
  /**
   * The entry, fresh or stale, and a moment at which it was there. {@link isCurrent} finds every later commit to the key, and
   * such a commit prevents a fill. Never fails: an unreadable entry is reported, and counts as missing.
   */
  observe(key: string, tags: readonly string[]): Awaitable<Observation>;
  /**
   * Whether the key, its tags, these tags and the whole namespace are unchanged since then. A moment that another engine
   * observed is not current.
   */
  isCurrent(seen: Seen, tags: readonly string[]): Awaitable<boolean>;
  /** Fresh keys with this prefix after a given key ('' for the first page), in an order that the engine chooses. */
  keysPage(prefix: string, after: string): Awaitable<Page<string>>;
  /** As {@link keysPage}, with values; an unreadable value is reported, and left out. */
  entriesPage(after: string): Awaitable<Page<ListedEntry>>;
}
