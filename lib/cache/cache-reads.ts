import type { ReadSource } from './read-through.js';

type Awaitable<T> = T | Promise<T>;

/** @internal */
export interface KeysPage {
  readonly keys: readonly string[];
  /** What the next page begins with; undefined after the last one. */
  readonly next: string | undefined;
}

/** @internal */
export interface EntriesPage {
  readonly entries: readonly [key: string, value: unknown][];
  readonly next: string | undefined;
}

/** @internal */
export interface VersionedEntry {
  readonly value: unknown;
  /** 0 on a miss. */
  readonly revision: number;
  /** Unix ms, Infinity when it never expires, undefined on a miss. */
  readonly expiresAt: number | undefined;
}

/**
 * The read side of one namespace: at once from what is here, or, on a node that holds nothing, from elsewhere.
 *
 * @internal
 */
export interface CacheReads extends ReadSource {
  /** The value, isolated for the caller; undefined on a miss. */
  get(key: string): Awaitable<unknown>;
  mget(keys: readonly string[]): Awaitable<unknown[]>;
  has(key: string): Awaitable<boolean>;
  /** Unix ms, Infinity when it never expires, undefined on a miss. */
  expiresAt(key: string): Awaitable<number | undefined>;
  /** The committed live entry. */
  findWithRevision(key: string): Awaitable<VersionedEntry>;
  /** Committed live keys with this prefix from `from` on, in order of their UTF-8 bytes. */
  keysPage(prefix: string, from: string): Awaitable<KeysPage>;
  /** As {@link keysPage}, with values. */
  entriesPage(from: string): Awaitable<EntriesPage>;
}
