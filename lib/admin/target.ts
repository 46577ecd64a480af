import type { Awaitable } from '../common/awaitable.js';
import type { ChangesPage, ListedEntry, ListingPage, ListingRequest } from '../engine/listing.js';
import type { LockInfo } from '../locks/lock-factory.js';
import type { DeadLetterInfo } from '../node/hyper-cache-node.js';

/** The namespace of commands that name none. A running node uses its own. @internal */
export type Namespace = string | undefined;

/** Which entries to expire. @internal */
export type Expired =
  { readonly key: string } | { readonly prefix: string } | { readonly tag: string };

/** One write of an operator or of an imported file. @internal */
export interface TargetWrite {
  readonly key: string;
  /** The value as a caller of `set` passes it. */
  readonly value: unknown;
  /** Milliseconds; 0 means that it never expires. */
  readonly ttl: number;
  readonly tags: readonly string[];
}

/** The target of an operator's command: the files of a node, or a running node. @internal */
export interface Target {
  stats(): Promise<Readonly<Record<string, unknown>>>;
  namespaces(): Promise<readonly { readonly name: string; readonly entries: number }[]>;
  page(request: Omit<ListingRequest, 'namespace'> & { namespace: Namespace }): Promise<ListingPage>;
  /** Finds the entry, with its value. */
  find(namespace: Namespace, key: string): Promise<ListedEntry | undefined>;
  /** Stores all or none. Above a few hundred entries or a mebibyte, it makes several calls. */
  store(namespace: Namespace, writes: readonly TargetWrite[]): Promise<void>;
  /** Returns whether it was live. */
  delete(namespace: Namespace, key: string): Promise<boolean>;
  deletePrefix(namespace: Namespace, prefix: string): Promise<number>;
  deleteTag(namespace: Namespace, tag: string): Promise<number>;
  clear(namespace: Namespace): Promise<number>;
  /** Makes fresh entries stale, or deletes those without a window. Returns how many. */
  expire(namespace: Namespace, what: Expired): Promise<number>;
  locks(): Promise<readonly LockInfo[]>;
  /** Takes the lock from its holder. Returns whether there was one. */
  releaseLock(name: string): Promise<boolean>;
  /** The revision of the last change. */
  head(): Promise<number>;
  changes(after: number, limit: number): Promise<ChangesPage>;
  /** The newest first. */
  deadLetters(limit: number): Promise<readonly DeadLetterInfo[]>;
  close(): Awaitable<void>;
}
