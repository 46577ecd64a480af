import { compositeKey } from '../common/composite-key.js';
import type { LeaseName } from '../engine/lease.js';

/** What a namespace may not show in a key of the server: the separators, and the braces of the slot. */
const RESERVED = /[%{}:! ]/g;

const encode = (char: string): string =>
  `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;

/**
 * The names of everything that the engine keeps on the server. What belongs together shares a slot; a caller's own text
 * comes last.
 *
 * @internal
 */
export class RedisKeys {
  /** @param prefix of all keys of one cache */
  constructor(private readonly prefix: string) {}

  /** What a server's ACL calls all of them. */
  get patterns(): string {
    return [`{${this.prefix}:*`, `{${this.prefix}!*`, `${this.prefix}!*`]
      .map((pattern) => `~${pattern}`)
      .join(' ');
  }

  get layout(): string {
    return `${this.prefix}!layout`;
  }

  /** What tells whether keys may be used: nothing that is kept. */
  probe(part: 'k' | 'h'): string {
    return `{${this.prefix}!probe:00}:${part}`;
  }

  /** Everything of a namespace that shares a slot. */
  space(namespace: string): SpaceKeys {
    return new SpaceKeys(`{${this.prefix}:${namespace.replaceAll(RESERVED, encode)}:00}:`);
  }

  /** What the keys of all namespaces begin with. */
  get spacePrefix(): string {
    return `{${this.prefix}:`;
  }

  /** The namespace of a key; undefined when it has none. */
  namespaceOf(key: string): string | undefined {
    if (!key.startsWith(this.spacePrefix)) return undefined;
    const [encoded = ''] = key.slice(this.spacePrefix.length).split(':', 1);
    return decodeURIComponent(encoded);
  }

  /** Everything of locks: their tokens, holders, queues, mailboxes and index. */
  lock(part: LockPart, name?: string): string {
    return `{${this.prefix}!lock:00}:${part}${name === undefined ? '' : `:${name}`}`;
  }

  /** @param part of one lease: who holds it, who waits for it, in which order */
  lease(part: 'h' | 'q' | 'w', { kind, name }: LeaseName): string {
    return this.lock(part, `${kind}:${name}`);
  }

  /** What is known of a key that is throttled, of all throttlers. */
  throttle(key: string): string {
    return `{${this.prefix}!throttle:00}:s:${key}`;
  }

  /** The hits of a key; the name of the throttler comes last. */
  throttleHits(key: string, name = ''): string {
    return `{${this.prefix}!throttle:00}:h:${compositeKey(key)}${name}`;
  }

  /** The last run of a name. */
  run(name: string): string {
    return `{${this.prefix}!run:00}:r:${name}`;
  }

  /** The names of runs, by when they began last. */
  get runIndex(): string {
    return `{${this.prefix}!run:00}:i`;
  }
}

/**
 * What the engine keeps of locks: the index of all leases that are known (i), a token that is above those of the forgotten
 * (r), when each node that waits gave its last sign of life (b), a mark that is gone when all leases are (l), a node's
 * mailbox (m), and of each lease its holders (h), its queue (q) and its waiters (w).
 *
 * @internal
 */
export type LockPart = 'i' | 'r' | 'b' | 'l' | 'm' | 'h' | 'q' | 'w';

/** @see RedisKeys.space @internal */
export class SpaceKeys {
  readonly entryPrefix: string;
  /** The counter that numbers of the space come from. */
  readonly counter: string;
  /** The number of the last clear. */
  readonly generation: string;
  /** Changes of many entries by their numbers: fills that began before are refused. */
  readonly fence: string;
  /** Tags, by the latest end of an entry that has them. */
  readonly tagIndex: string;
  /** Entries without a time to live of the server's, by their end. */
  readonly keptIndex: string;

  /** @param prefix of all keys of the space */
  constructor(readonly prefix: string) {
    const space = prefix;
    this.entryPrefix = `${space}e:`;
    this.counter = `${space}r`;
    this.generation = `${space}g`;
    this.fence = `${space}f`;
    this.tagIndex = `${space}i`;
    this.keptIndex = `${space}x`;
  }

  entry(key: string): string {
    return this.entryPrefix + key;
  }

  /** The right to replace an entry that is there. */
  claim(key: string): string {
    return `${this.prefix}c:${key}`;
  }

  /** The version of a tag. */
  tag(tag: string): string {
    return `${this.prefix}t:${tag}`;
  }

  /** The keys of the entries with a tag. */
  tagged(tag: string): string {
    return `${this.prefix}s:${tag}`;
  }
}
