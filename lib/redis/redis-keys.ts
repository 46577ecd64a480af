import { compositeKey } from '../common/composite-key.js';
import type { LeaseName } from '../engine/lease.js';

/** Characters that a namespace must not show in a key of the server: the separators, and the braces of the slot. */
const RESERVED = /[%{}:! ]/g;

const encode = (char: string): string =>
  `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;

/**
 * The names of all keys that the engine keeps on the server. Keys that belong together share a slot. A caller's own text comes
 * last.
 *
 * @internal
 */
export class RedisKeys {
  /** @param prefix the prefix of all keys of one cache */
  constructor(private readonly prefix: string) {}

  /** The patterns of all keys, in the notation of the server's ACL. */
  get patterns(): string {
    return [`{${this.prefix}:*`, `{${this.prefix}!*`, `${this.prefix}!*`]
      .map((pattern) => `~${pattern}`)
      .join(' ');
  }

  get layout(): string {
    return `${this.prefix}!layout`;
  }

  /** A key that is never stored. It serves to test whether keys may be used. */
  probe(part: 'k' | 'h'): string {
    return `{${this.prefix}!probe:00}:${part}`;
  }

  /** The keys of one bucket of a namespace, which share a slot. */
  space(namespace: string, bucket = 0): SpaceKeys {
    const number = String(bucket).padStart(2, '0');
    return new SpaceKeys(`${this.namespacePrefix(namespace)}${number}}:`);
  }

  /** What the keys of all buckets of a namespace begin with. */
  namespacePrefix(namespace: string): string {
    return `${this.spacePrefix}${namespace.replaceAll(RESERVED, encode)}:`;
  }

  /** The prefix of the keys of all namespaces. */
  get spacePrefix(): string {
    return `{${this.prefix}:`;
  }

  /** The namespace of a key, and whether the key holds an entry; undefined when it has no namespace. */
  partsOf(key: string): { readonly namespace: string; readonly isEntry: boolean } | undefined {
    if (!key.startsWith(this.spacePrefix)) return undefined;
    const [encoded = ''] = key.slice(this.spacePrefix.length).split(':', 1);
    const isEntry = key.startsWith('e:', key.indexOf('}:') + 2);
    return { namespace: decodeURIComponent(encoded), isEntry };
  }

  /** The keys of locks: their tokens, holders, queues, mailboxes and index. */
  lock(part: LockPart, name?: string): string {
    return `{${this.prefix}!lock:00}:${part}${name === undefined ? '' : `:${name}`}`;
  }

  /** @param part of one lease: its holders, its waiters, or their order */
  lease(part: 'h' | 'q' | 'w', { kind, name }: LeaseName): string {
    return this.lock(part, `${kind}:${name}`);
  }

  /** The state of a throttled key, for all throttlers. */
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
 * The keys of locks: the index of all known leases (i), a token above those of all forgotten leases (r), the last sign of life
 * of each node that waits (b), a mark that disappears together with all leases (l), and a node's mailbox (m). Each lease also
 * has its holders (h), its queue (q) and its waiters (w).
 *
 * @internal
 */
export type LockPart = 'i' | 'r' | 'b' | 'l' | 'm' | 'h' | 'q' | 'w';

/** @see RedisKeys.space @internal */
export class SpaceKeys {
  readonly entryPrefix: string;
  /** The counter from which the numbers of the space come. */
  readonly counter: string;
  /** The number of the last clear. */
  readonly generation: string;
  /** Changes of many entries, by their numbers. Fills that began before such a change are refused. */
  readonly fence: string;
  /** Tags, by the latest end of an entry that has them. */
  readonly tagIndex: string;
  /** Entries to which the server gives no time to live, by their end. */
  readonly keptIndex: string;

  /** In a cluster: the locks under which entries were written, by the last token. */
  readonly tokens: string;

  /** @param prefix the prefix of all keys of the space */
  constructor(readonly prefix: string) {
    const space = prefix;
    this.entryPrefix = `${space}e:`;
    this.counter = `${space}r`;
    this.generation = `${space}g`;
    this.fence = `${space}f`;
    this.tagIndex = `${space}i`;
    this.keptIndex = `${space}x`;
    this.tokens = `${space}k`;
  }

  entry(key: string): string {
    return this.entryPrefix + key;
  }

  /** The right to replace an existing entry. */
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
