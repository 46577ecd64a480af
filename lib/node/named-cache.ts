import { checkedTags } from '../cache/factory-context.js';
import type { Served } from '../cache/factory-run.js';
import { windowOf, type PolicyOptions } from '../cache/policy.js';
import type { Presets } from '../cache/presets.js';
import { isPlain, type Factory } from '../cache/wrap-options.js';
import type { CacheWriter } from '../cache/cache-writer.js';
import type { SetWriter } from '../cache/set-writer.js';
import type { ReadThrough } from '../cache/read-through.js';
import type { CacheEntry, TieredCache } from '../cache/tiered-cache.js';
import type { Awaitable } from '../common/awaitable.js';
import { InvalidArgumentError } from '../common/errors.js';
import type { Clock } from '../common/clock.js';
import type { Duration } from '../common/duration.js';
import { expiresAtFor, lifetimeFor, type Lifetime } from '../common/expiry.js';
import { assertKey } from '../common/keys.js';
import type { L2, ListedEntry, Page, VersionedEntry } from '../engine/l2.js';
import { assertSignal, checkedFence, tagsOf } from './call-arguments.js';
import type {
  NodeCache,
  NodeWrapOptions,
  NodeWrite,
  NodeWriteOptions,
} from './hyper-cache-node.js';

/** @internal */
export interface NamedCacheParts {
  readonly namespace: string;
  readonly defaultTtl: number;
  readonly reads: TieredCache;
  readonly l2: L2;
  readonly sets: SetWriter;
  readonly writes: CacheWriter;
  readonly readThrough: ReadThrough;
  readonly presets: Presets;
  readonly clock: Clock;
  readonly drain: () => Promise<void>;
  readonly report: (error: unknown, during: string) => void;
}

/**
 * One named cache on a node, whatever its role. It checks arguments and computes deadlines; its readers and writers do the rest.
 *
 * @internal
 */
export class NamedCache implements NodeCache {
  readonly namespace: string;
  readonly defaultTtl: number;
  readonly #reads: TieredCache;
  readonly #sets: SetWriter;
  readonly #writes: CacheWriter;
  readonly #clock: Clock;

  constructor(private readonly parts: NamedCacheParts) {
    this.namespace = parts.namespace;
    this.defaultTtl = parts.defaultTtl;
    this.#reads = parts.reads;
    this.#sets = parts.sets;
    this.#writes = parts.writes;
    this.#clock = parts.clock;
  }

  /** The same entries, with another ttl for writes that give none. */
  withDefaultTtl(defaultTtl: number): NamedCache {
    return defaultTtl === this.defaultTtl ? this : new NamedCache({ ...this.parts, defaultTtl });
  }

  get(key: string): unknown {
    return this.#reads.get(key);
  }

  find(key: string): Awaitable<CacheEntry | undefined> {
    return this.#reads.find(key);
  }

  findStale(key: string): Awaitable<CacheEntry | undefined> {
    return this.#reads.find(key, true);
  }

  isFresh(entry: Lifetime): boolean {
    return this.#reads.isFresh(entry);
  }

  mget(keys: readonly string[]): Awaitable<unknown[]> {
    return this.#reads.mget(keys);
  }

  has(key: string): Awaitable<boolean> {
    return this.#reads.has(key);
  }

  expiresAt(key: string): Awaitable<number | undefined> {
    return this.#reads.freshUntil(key);
  }

  async getWithRevision(key: string): Promise<VersionedEntry> {
    await this.parts.drain();
    return this.#reads.findWithRevision(key);
  }

  set(key: string, value: unknown, options?: NodeWriteOptions): Promise<number> {
    const lifetime = this.#lifetime(options);
    const tags = tagsOf(options?.tags);
    return options?.fence === undefined
      ? this.#sets.set(key, value, lifetime, tags)
      : this.#writes.setFenced(key, value, lifetime, tags, checkedFence(options.fence));
  }

  mset(entries: readonly NodeWrite[]): Promise<void> {
    return this.#sets.setMany(
      entries.map((entry) => ({
        key: entry.key,
        value: entry.value,
        lifetime: this.#lifetime(entry),
        tags: tagsOf(entry.tags),
      })),
    );
  }

  async add(key: string, value: unknown, options?: NodeWriteOptions): Promise<boolean> {
    const lifetime = this.#lifetime(options);
    const { stored } = await this.#writes.add(key, value, lifetime, tagsOf(options?.tags));
    return stored;
  }

  setIf(
    key: string,
    value: unknown,
    revision: number,
    options?: NodeWriteOptions,
  ): Promise<{ stored: boolean; revision: number }> {
    if (!Number.isSafeInteger(revision) || revision < 0) {
      throw new InvalidArgumentError(
        'The revision is not a whole number from 0.',
        'Pass the revision that getWithRevision() returned; 0 means that the key must be missing.',
      );
    }
    const lifetime = this.#lifetime(options);
    return this.#writes.setIf(key, value, revision, lifetime, tagsOf(options?.tags));
  }

  delete(key: string): Promise<boolean> {
    return this.#sets.delete(key);
  }

  mdelete(keys: readonly string[]): Promise<boolean[]> {
    return this.#sets.deleteMany(keys);
  }

  pull(key: string): Promise<unknown> {
    return this.#writes.pull(key);
  }

  touch(key: string, ttl?: Duration | null): Promise<boolean> {
    return this.#writes.touch(key, this.#deadline(ttl));
  }

  increment(
    key: string,
    by: number,
    options?: { ttl?: Duration | null | undefined; initial?: number | undefined },
  ): Promise<number> {
    const initial = options?.initial ?? 0;
    if (!Number.isSafeInteger(by) || !Number.isSafeInteger(initial)) {
      throw new InvalidArgumentError(
        'A counter moves by whole numbers from whole numbers.',
        'Pass safe integers as the amount and as `initial`.',
      );
    }
    return this.#writes.increment(key, by, initial, this.#deadline(options?.ttl));
  }

  deletePrefix(prefix: string): Promise<number> {
    if (prefix !== '') assertKey(prefix, 'prefix');
    return this.#writes.deletePrefix(prefix);
  }

  deleteTag(tag: string): Promise<number> {
    return this.#writes.deleteTag(tag);
  }

  clear(): Promise<number> {
    return this.#writes.clear();
  }

  expire(key: string): Promise<boolean> {
    return this.#writes.expire(key);
  }

  expirePrefix(prefix: string): Promise<number> {
    if (prefix !== '') assertKey(prefix, 'prefix');
    return this.#writes.expirePrefix(prefix);
  }

  expireTag(tag: string): Promise<number> {
    return this.#writes.expireTag(tag);
  }

  wrap(
    key: string,
    factory: Factory,
    given?: NodeWrapOptions | Duration | string,
  ): Awaitable<Served> {
    const options = this.#wrapOptions(given);
    return this.parts.readThrough.wrap(key, factory, options, this.defaultTtl);
  }

  wrapValue(
    key: string,
    factory: Factory,
    given?: NodeWrapOptions | Duration | string,
  ): Awaitable<unknown> {
    const options = this.#wrapOptions(given);
    const { readThrough } = this.parts;
    if (!isPlain(options)) {
      const entry = readThrough.wrap(key, factory, options, this.defaultTtl);
      return entry instanceof Promise ? entry.then(this.#valueOf) : this.#valueOf(entry);
    }
    // A hit needs no deadlines.
    const found = this.#reads.get(key);
    if (found !== undefined && !(found instanceof Promise)) return found;
    const made = (): Promise<unknown> =>
      readThrough.make(key, factory, options, this.defaultTtl).then(this.#valueOf);
    if (found === undefined) return made();
    return found.then((value) => (value === undefined ? made() : value));
  }

  /** Ends all factories within a time, in ms, also those of other caches with these entries. */
  close(timeoutMs: number): Promise<void> {
    return this.parts.readThrough.close(timeoutMs);
  }

  get policies(): readonly string[] {
    return this.parts.presets.names;
  }

  withPolicy(policy: PolicyOptions): NamedCache {
    return new NamedCache({ ...this.parts, presets: this.parts.presets.with(policy) });
  }

  readonly #valueOf = ({ value }: Served): unknown => this.release(value);

  #wrapOptions(given: NodeWrapOptions | Duration | string | undefined): NodeWrapOptions {
    const options = this.parts.presets.resolve(given, this.defaultTtl);
    if (options.tags !== undefined) checkedTags(options.tags);
    if (options.signal !== undefined) assertSignal(options.signal);
    return options;
  }

  report(error: unknown, during: string): void {
    this.parts.report(error, during);
  }

  release(value: unknown): unknown {
    return this.#reads.release(value);
  }

  async *keys(prefix: string): AsyncIterableIterator<string> {
    if (prefix !== '') assertKey(prefix, 'prefix');
    yield* this.#list((after) => this.parts.l2.keysPage(prefix, after));
  }

  entries(): AsyncIterableIterator<ListedEntry> {
    return this.#list((after) => this.parts.l2.entriesPage(after));
  }

  async *#list<T>(read: (after: string) => Awaitable<Page<T>>): AsyncIterableIterator<T> {
    await this.parts.drain();
    for (let after: string | undefined = ''; after !== undefined;) {
      const { items, next }: Page<T> = await read(after);
      yield* items;
      after = next;
    }
  }

  #lifetime(options: NodeWriteOptions | undefined): Lifetime {
    const windowMs = options === undefined ? 0 : windowOf(options);
    return lifetimeFor(options?.ttl, this.defaultTtl, windowMs, this.#clock);
  }

  #deadline(ttl: Duration | null | undefined): number {
    return expiresAtFor(ttl, this.defaultTtl, this.#clock);
  }
}
