import { UnreadableValueError } from '../common/errors.js';
import { isExpired } from '../common/expiry.js';
import type { Clock } from '../common/clock.js';
import type {
  L2,
  L2Entry,
  ListedEntry,
  Observation,
  Page,
  Seen,
  VersionedEntry,
} from '../engine/l2.js';
import { decodeValue } from '../value/codec.js';
import type { Buckets } from './buckets.js';
import {
  HEAD_BYTES,
  isMarker,
  readEntry,
  readHead,
  readStored,
  type EntryHead,
} from './entry-format.js';
import type { Commands } from './redis-link.js';
import { IS_CURRENT } from './scripts/claim.js';

/** Keys that the server checks in one step of a listing. */
const SCAN_COUNT = 500;

/** @internal */
export interface RedisSeen extends Seen {
  /** The revision of the entry; 0 when there was none. */
  readonly revision: number;
  /** For a claim: the content of the key, or the entry's revision in digits, and the last number of the space at that time. */
  readonly claimed?: { readonly claim: string; readonly last: number } | undefined;
}

/** @internal */
export interface RedisL2Parts {
  readonly commands: Commands;
  readonly clock: Clock;
  readonly onReadError: (error: unknown) => void;
}

/** A valid entry, as it was read. */
interface Found {
  readonly bytes: Buffer;
  readonly head: EntryHead;
}

/**
 * The entries of one namespace on the server.
 *
 * @internal
 */
export class RedisL2 implements L2 {
  readonly layer = 'l2';

  constructor(
    private readonly buckets: Buckets,
    private readonly parts: RedisL2Parts,
  ) {}

  readValue(key: string): Promise<unknown> {
    return this.#find(key).then((found) => {
      if (found === undefined || !this.#isFresh(found.head)) return undefined;
      return decodeValue(readStored(found.bytes, found.head));
    });
  }

  async read(key: string): Promise<L2Entry | undefined> {
    const found = await this.#find(key, true);
    return found && readEntry(found.bytes, found.head);
  }

  async freshUntil(key: string): Promise<number | undefined> {
    const head = await this.#head(key);
    return head !== undefined && this.#isFresh(head) ? head.freshUntil : undefined;
  }

  async readVersioned(key: string): Promise<VersionedEntry> {
    const found = await this.#find(key);
    if (found === undefined || !this.#isFresh(found.head)) {
      return { value: undefined, revision: 0, expiresAt: undefined };
    }
    const { revision, freshUntil } = found.head;
    return {
      value: decodeValue(readStored(found.bytes, found.head)),
      revision,
      expiresAt: freshUntil,
    };
  }

  async observe(key: string, tags: readonly string[]): Promise<Observation> {
    try {
      const found = await this.#find(key);
      const revision = found?.head.revision ?? 0;
      const seen: RedisSeen = { key, tags, revision };
      return { entry: found && readEntry(found.bytes, found.head), seen };
    } catch (error) {
      this.parts.onReadError(error);
      const seen: RedisSeen = { key, tags, revision: 0 };
      return { entry: undefined, seen };
    }
  }

  async isCurrent(seen: Seen, tags: readonly string[]): Promise<boolean> {
    const { key, revision, claimed } = redisSeen(seen);
    if (claimed === undefined) return ((await this.#head(key))?.revision ?? 0) === revision;
    const { keys } = this.buckets.of(key);
    const all = [...seen.tags, ...tags];
    const isCurrent = await this.parts.commands.run(
      IS_CURRENT,
      [keys.entry(key), keys.generation, keys.fence],
      [keys.prefix, claimed.claim, String(claimed.last), ...all],
    );
    return isCurrent === 1;
  }

  async keysPage(prefix: string, after: string): Promise<Page<string>> {
    const { keys, next } = await this.#scan(prefix, after);
    const heads = await Promise.all(keys.map((key) => this.#headOrSkip(key)));
    return {
      items: keys.filter((_key, i) => {
        const head = heads[i];
        return head !== undefined && this.#isFresh(head);
      }),
      next,
    };
  }

  async entriesPage(after: string): Promise<Page<ListedEntry>> {
    const { keys, next } = await this.#scan('', after);
    const items: ListedEntry[] = [];
    for (const key of keys) {
      try {
        const value = await this.readValue(key);
        if (value !== undefined) items.push([key, value]);
      } catch (error) {
        this.parts.onReadError(error);
      }
    }
    return { items, next };
  }

  /** @param isKept whether memory keeps the entry. A tag that changes then voids it, even while its version is being read. */
  #find(key: string, isKept = false): Promise<Found | undefined> {
    const space = this.buckets.of(key);
    return this.parts.commands.call(['GET', space.keys.entry(key)]).then((bytes) => {
      if (!Buffer.isBuffer(bytes) || isMarker(bytes)) return undefined;
      const head = readHead(bytes);
      if (head === undefined) throw new UnreadableValueError();
      if (isKept) space.remember(key, head.tags);
      const isValid = space.isValid(head);
      const judged = (isLive: boolean): Found | undefined =>
        isLive && !isExpired(head.expiresAt, this.parts.clock.now()) ? { bytes, head } : undefined;
      return isValid instanceof Promise ? isValid.then(judged) : judged(isValid);
    });
  }

  /** As {@link #find}, without the value. */
  async #head(key: string): Promise<EntryHead | undefined> {
    const space = this.buckets.of(key);
    const name = space.keys.entry(key);
    const read = (to: number) => this.parts.commands.call(['GETRANGE', name, '0', String(to)]);
    let bytes = await read(HEAD_BYTES - 1);
    if (!Buffer.isBuffer(bytes) || bytes.length === 0 || isMarker(bytes)) return undefined;
    let head = readHead(bytes);
    if (head === undefined) {
      bytes = await read(-1);
      head = Buffer.isBuffer(bytes) && bytes.length > 0 ? readHead(bytes) : undefined;
    }
    if (head === undefined || !(await space.isValid(head))) return undefined;
    return isExpired(head.expiresAt, this.parts.clock.now()) ? undefined : head;
  }

  async #headOrSkip(key: string): Promise<EntryHead | undefined> {
    try {
      return await this.#head(key);
    } catch (error) {
      this.parts.onReadError(error);
      return undefined;
    }
  }

  async #scan(prefix: string, after: string) {
    const cursor = after === '' ? '0' : after;
    const reply = await this.parts.commands.call([
      'SCAN',
      cursor,
      'MATCH',
      this.buckets.pattern(prefix),
      'COUNT',
      String(SCAN_COUNT),
    ]);
    const { keys, next } = scanned(reply);
    return {
      keys: keys.flatMap((name) => this.buckets.placeOf(name, prefix)?.key ?? []),
      next,
    };
  }

  #isFresh({ freshUntil }: EntryHead): boolean {
    return !isExpired(freshUntil, this.parts.clock.now());
  }
}

/** An observation of another engine has no revision. It counts as the observation of a missing key. @internal */
export function redisSeen(seen: Seen): RedisSeen {
  return 'revision' in seen ? (seen as RedisSeen) : { ...seen, revision: 0 };
}

/** The reply of a SCAN. @internal */
export function scanned(reply: unknown): { keys: string[]; next: string | undefined } {
  const [cursor, found] = Array.isArray(reply) ? (reply as unknown[]) : [];
  const next = String(cursor);
  return {
    keys: Array.isArray(found) ? found.map(String) : [],
    next: next === '0' ? undefined : next,
  };
}
