import type { Awaitable } from '../common/awaitable.js';
import type { ChangesPage, ListedEntry, ListingPage, ListingRequest } from '../engine/listing.js';
import type { LockInfo } from '../locks/lock-factory.js';
import type { DeadLetterInfo } from '../node/hyper-cache-node.js';

/** The namespace of commands that name none; on a node that runs, its own. @internal */
export type Namespace = string | undefined;

/** Which entries are to be expired. @internal */
export type Expired =
  { readonly key: string } | { readonly prefix: string } | { readonly tag: string };

/** One write of an operator, or of a file that is imported. @internal */
export interface TargetWrite {
  readonly key: string;
  /** As a caller of `set` gives it. */
  readonly value: unknown;
  /** Milliseconds; 0 never to expire. */
  readonly ttl: number;
  readonly tags: readonly string[];
}

/** What an operator's command works on: the files of a node, or a node that runs. @internal */
export interface Target {
  stats(): Promise<Readonly<Record<string, unknown>>>;
  namespaces(): Promise<readonly { readonly name: string; readonly entries: number }[]>;
  page(request: Omit<ListingRequest, 'namespace'> & { namespace: Namespace }): Promise<ListingPage>;
  /** With its value. */
  find(namespace: Namespace, key: string): Promise<ListedEntry | undefined>;
  /** All or none; from a few hundred entries and a mebibyte on, several calls. */
  store(namespace: Namespace, writes: readonly TargetWrite[]): Promise<void>;
  /** Whether it was live. */
  delete(namespace: Namespace, key: string): Promise<boolean>;
  deletePrefix(namespace: Namespace, prefix: string): Promise<number>;
  deleteTag(namespace: Namespace, tag: string): Promise<number>;
  clear(namespace: Namespace): Promise<number>;
  /** Makes fresh entries stale, or deletes those without a window; how many. */
  expire(namespace: Namespace, what: Expired): Promise<number>;
  locks(): Promise<readonly LockInfo[]>;
  /** Takes the lock from its holder; whether there was one. */
  releaseLock(name: string): Promise<boolean>;
  /** The revision of the last change. */
  head(): Promise<number>;
  changes(after: number, limit: number): Promise<ChangesPage>;
  /** The newest first. */
  deadLetters(limit: number): Promise<readonly DeadLetterInfo[]>;
  close(): Awaitable<void>;
}
