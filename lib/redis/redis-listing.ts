import { UnreadableValueError } from '../common/errors.js';
import { isExpired } from '../common/expiry.js';
import type { ListedEntry, ListingPage, ListingRequest } from '../engine/listing.js';
import { storedBytes } from '../value/codec.js';
import { toPortable } from '../value/portable-value.js';
import type { Buckets } from './buckets.js';
import { isMarker, readHead, readStored } from './entry-format.js';
import { globEscaped } from './glob.js';
import type { RedisKeys } from './redis-keys.js';
import { scanned } from './redis-l2.js';
import type { Commands } from './redis-link.js';
import type { Space } from './space.js';

/** Keys of the server that one step checks. */
const SCAN_COUNT = 1000;

/** Keys that a page reads at most: their values are in memory together. */
const PAGE_KEYS = 200;

/** Values that one reply contains. */
const VALUES_AT_ONCE = 20;

/** @internal */
export interface RedisListingParts {
  readonly commands: Commands;
  readonly keys: RedisKeys;
  /** The server's clock. */
  readonly clock: { now(): number };
  readonly buckets: (namespace: string) => Buckets;
}

/**
 * Lists the content of a server for an operator, in no order. An entry may appear twice while the server makes room for more
 * keys. Each step is a separate request.
 *
 * @internal
 */
export class RedisListing {
  constructor(private readonly parts: RedisListingParts) {}

  /** Scans all keys of the server. */
  async namespaces(): Promise<{ name: string; entries: number }[]> {
    const { commands, keys } = this.parts;
    const counts = new Map<string, number>();
    const pattern = `${globEscaped(keys.spacePrefix)}*`;
    for (let cursor: string | undefined = '0'; cursor !== undefined;) {
      const page: ReturnType<typeof scanned> = scanned(
        await commands.call(['SCAN', cursor, 'MATCH', pattern, 'COUNT', String(SCAN_COUNT)]),
      );
      for (const key of page.keys) {
        const parts = keys.partsOf(key);
        if (parts === undefined) continue;
        counts.set(parts.namespace, (counts.get(parts.namespace) ?? 0) + (parts.isEntry ? 1 : 0));
      }
      cursor = page.next;
    }
    return [...counts]
      .map(([name, entries]) => ({ name, entries }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  async page(request: ListingRequest): Promise<ListingPage> {
    const { namespace, prefix, after, limit, values } = request;
    const { commands, buckets } = this.parts;
    const all = buckets(namespace);
    const { keys: names, next } = scanned(
      await commands.call([
        'SCAN',
        after === '' ? '0' : after,
        'MATCH',
        all.pattern(prefix),
        'COUNT',
        String(Math.min(limit, PAGE_KEYS)),
      ]),
    );
    const places = names.flatMap((name) => all.placeOf(name, prefix) ?? []);
    const entries: ListedEntry[] = [];
    for (const space of all.all) {
      const found = places.filter((place) => place.space === space).map(({ key }) => key);
      entries.push(...(await this.#read(space, found, values)));
    }
    return { entries, next };
  }

  /** Finds one entry, with its value. */
  async find(namespace: string, key: string): Promise<ListedEntry | undefined> {
    return (await this.#read(this.parts.buckets(namespace).of(key), [key], true))[0];
  }

  async #read(space: Space, keys: readonly string[], values: boolean): Promise<ListedEntry[]> {
    const entries: ListedEntry[] = [];
    for (let from = 0; from < keys.length; from += VALUES_AT_ONCE) {
      const some = keys.slice(from, from + VALUES_AT_ONCE);
      const names = some.map((key) => space.keys.entry(key));
      const replies = await this.parts.commands.call(['MGET', ...names]);
      for (const [i, key] of some.entries()) {
        const bytes = Array.isArray(replies) ? replies[i] : null;
        if (!Buffer.isBuffer(bytes) || isMarker(bytes)) continue;
        const entry = await this.#listed(space, key, bytes, values);
        if (entry !== undefined) entries.push(entry);
      }
    }
    return entries;
  }

  async #listed(
    space: Space,
    key: string,
    bytes: Buffer,
    values: boolean,
  ): Promise<ListedEntry | undefined> {
    try {
      const head = readHead(bytes);
      if (head === undefined || !(await space.isValid(head))) return undefined;
      const now = this.parts.clock.now();
      const { freshUntil, revision } = head;
      if (isExpired(freshUntil, now)) return undefined;
      const stored = readStored(bytes, head);
      return {
        key,
        ttl: freshUntil === Infinity ? null : freshUntil - now,
        revision,
        bytes: storedBytes(stored),
        tags: head.tags.map(({ tag }) => tag),
        ...(values && { content: toPortable(stored) }),
      };
    } catch (error) {
      if (!(error instanceof UnreadableValueError)) throw error;
      const none = { key, ttl: null, revision: 0, bytes: bytes.length, tags: [] };
      return { ...none, ...(values && { content: { unreadable: true } }) };
    }
  }
}
