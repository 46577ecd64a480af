import type { Clock } from '../../common/clock.js';
import type { HyperCacheError } from '../../common/errors.js';
import { isExpired } from '../../common/expiry.js';
import type {
  L2,
  L2Entry,
  ListedEntry,
  Observation,
  Page,
  Seen,
  VersionedEntry,
} from '../../engine/l2.js';
import { decoded } from '../../sqlite/listing.js';
import { toStorageError } from '../../sqlite/sqlite-error.js';
import { RevisionSeen } from '../../sqlite/revision-seen.js';
import { decodeValue, storedBytes } from '../../value/codec.js';
import type { RemoteEntry, RemoteReads } from './remote-reads.js';

/** @internal */
export interface RemoteL2Parts {
  readonly remote: RemoteReads;
  /** The primary's clock. */
  readonly clock: Clock;
  /** Whether what was read no longer counts while the primary cannot be asked: then every read is a miss. */
  readonly isStale: () => boolean;
  /** Receives what could not be read when no caller waits for it. */
  readonly onReadError: (error: HyperCacheError) => void;
}

/**
 * The entries of one namespace as the primary holds them; each read is a request.
 *
 * @internal
 */
export class RemoteL2 implements L2 {
  readonly layer = 'primary';

  constructor(
    private readonly namespace: string,
    private readonly parts: RemoteL2Parts,
  ) {}

  async readValue(key: string): Promise<unknown> {
    const entry = await this.#askFresh(key);
    return entry && decodeValue(entry.value);
  }

  async read(key: string): Promise<L2Entry | undefined> {
    const entry = await this.#ask(key);
    return entry && entryOf(entry);
  }

  async freshUntil(key: string): Promise<number | undefined> {
    return (await this.#askFresh(key))?.freshUntil;
  }

  async readVersioned(key: string): Promise<VersionedEntry> {
    const entry = await this.#askFresh(key);
    if (entry === undefined) return { value: undefined, revision: 0, expiresAt: undefined };
    const { revision, freshUntil: expiresAt } = entry;
    return { value: decodeValue(entry.value), revision, expiresAt };
  }

  async observe(key: string, tags: readonly string[]): Promise<Observation> {
    const { remote, isStale, onReadError } = this.parts;
    const known = remote.revision;
    try {
      if (!isStale()) {
        const { entry, seen } = await remote.observe(this.namespace, key);
        const found = new RevisionSeen(key, tags, seen, entry?.revision ?? 0);
        return { entry: entry && entryOf(entry), seen: found };
      }
    } catch (error) {
      onReadError(toStorageError(error));
    }
    return { entry: undefined, seen: new RevisionSeen(key, tags, known, 0) };
  }

  async isCurrent(seen: Seen, tags: readonly string[]): Promise<boolean> {
    if (!(seen instanceof RevisionSeen)) return false;
    const others = tags.filter((tag) => !seen.tags.includes(tag));
    // Two separate lists, because each may be as long as a query allows. They travel together.
    const lists = others.length === 0 ? [seen.tags] : [seen.tags, others];
    const { remote } = this.parts;
    const answers = await Promise.all(
      lists.map((list) => remote.isCurrent(this.namespace, seen.key, list, seen.revision)),
    );
    return answers.every(Boolean);
  }

  keysPage(prefix: string, after: string): Promise<Page<string>> {
    return this.parts.remote.keys(this.namespace, prefix, after);
  }

  async entriesPage(after: string): Promise<Page<ListedEntry>> {
    const { remote, onReadError } = this.parts;
    return decoded(await remote.entries(this.namespace, after), onReadError);
  }

  async #askFresh(key: string): Promise<RemoteEntry | undefined> {
    const entry = await this.#ask(key);
    const isFresh = entry !== undefined && !isExpired(entry.freshUntil, this.parts.clock.now());
    return isFresh ? entry : undefined;
  }

  async #ask(key: string): Promise<RemoteEntry | undefined> {
    const { remote, isStale } = this.parts;
    return isStale() ? undefined : remote.entry(this.namespace, key);
  }
}

function entryOf({ value, freshUntil, expiresAt }: RemoteEntry): L2Entry {
  return { value: decodeValue(value), freshUntil, expiresAt, bytes: storedBytes(value) };
}
