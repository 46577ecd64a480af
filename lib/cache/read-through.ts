import type { Clock } from '../common/clock.js';
import {
  FactoryFailedError,
  HyperCacheError,
  InvalidTtlError,
  UnsupportedValueError,
} from '../common/errors.js';
import { expiresAtFor } from '../common/expiry.js';
import { captureValue } from '../value/capture.js';
import type { CacheCounters } from '../engine/cache-stats.js';
import type { CacheWriter } from './cache-writer.js';
import type { CacheEntry } from './tiered-cache.js';

/** How `wrap` stores what a factory makes. @internal */
export interface WrapOptions {
  /** Milliseconds; 0 means no expiry; undefined means the default. */
  readonly ttl?: number | ((value: never) => number | undefined) | undefined;
  /** With less than this many ms left, a hit also starts the factory in the background. */
  readonly refreshThreshold?: number | ((value: never) => number) | undefined;
  readonly tags?: readonly string[] | undefined;
  /** Told what a factory made and the cache has stored. */
  readonly onStored?: ((key: string, value: unknown) => void) | undefined;
  /** Told when a background refresh has ended. */
  readonly onRefreshed?: ((key: string, value: unknown, error: unknown) => void) | undefined;
}

type Awaitable<T> = T | Promise<T>;

/** Where `wrap` looks before it calls a factory. @internal */
export interface ReadSource {
  find(key: string): Awaitable<CacheEntry | undefined>;
  /** As `find`, for those who have asked before: neither counted nor told. */
  peek(key: string): Awaitable<CacheEntry | undefined>;
  findWithRevision(key: string): Awaitable<{ revision: number }>;
  release(value: unknown): unknown;
  /** Whether the key, one of the tags or the whole cache was written or deleted after the revision. */
  isChangedSince(key: string, tags: readonly string[], seen: number): boolean;
}

/** @internal */
export interface ReadThroughParts {
  readonly cache: ReadSource;
  readonly writer: CacheWriter;
  readonly counters: CacheCounters;
  readonly clock: Clock;
  readonly maxValueBytes: number;
  /** Commits what waits, so that the log knows what came before a factory began. */
  readonly drain: () => Promise<void>;
  /** The last committed revision that what was read has seen. */
  readonly revision: () => number;
  /** The right to call the factory, and how it is given back; nothing when there is nobody to agree with. */
  readonly claim: (key: string) => Promise<(() => void) | undefined>;
  /** What no caller is told: a value that was returned but not stored, a refresh that failed. */
  readonly onSilentError: (error: HyperCacheError, during: string) => void;
}

type Factory = () => unknown;

/** A factory at work, and the last revision that it takes into account; undefined until it starts. */
interface Flight {
  readonly entry: Promise<CacheEntry>;
  seen: number | undefined;
}

/**
 * `wrap`: single-flight within the process and, by claims, among all nodes; and fenced: what a factory makes is stored only if nothing
 * happened to its key since the key was found missing.
 *
 * @internal
 */
export class ReadThrough {
  readonly #flights = new Map<string, Flight>();
  readonly #refreshes = new Set<string>();

  constructor(private readonly parts: ReadThroughParts) {}

  /** The live entry, or what the factory makes. The value goes out through the cache's `release`. */
  wrap(
    key: string,
    factory: Factory,
    options: WrapOptions,
    defaultTtlMs: number,
  ): CacheEntry | Promise<CacheEntry> {
    const found = this.parts.cache.find(key);
    return found instanceof Promise
      ? found.then((entry) => this.#use(key, entry, factory, options, defaultTtlMs))
      : this.#use(key, found, factory, options, defaultTtlMs);
  }

  #use(
    key: string,
    found: CacheEntry | undefined,
    factory: Factory,
    options: WrapOptions,
    defaultTtlMs: number,
  ): CacheEntry | Promise<CacheEntry> {
    if (found !== undefined) {
      if (options.refreshThreshold !== undefined) {
        this.#refreshIfDue(key, found, factory, options, defaultTtlMs);
      }
      return found;
    }
    const running = this.#flights.get(key);
    if (running !== undefined && !this.#isOverdue(key, running, options)) return running.entry;
    const onStart = (seen: number): void => {
      flight.seen = seen;
    };
    const flight: Flight = {
      entry: this.#fill(key, factory, options, defaultTtlMs, onStart).finally(() => {
        if (this.#flights.get(key) === flight) this.#flights.delete(key);
      }),
      seen: undefined,
    };
    this.#flights.set(key, flight);
    return flight.entry;
  }

  /** Whether something happened to the key since the factory began: who comes later must not get its value. */
  #isOverdue(key: string, flight: Flight, { tags }: WrapOptions): boolean {
    if (flight.seen === undefined) return false;
    const { cache, revision } = this.parts;
    const head = revision();
    if (cache.isChangedSince(key, tags ?? [], flight.seen)) return true;
    // Looked at once is enough for those who come next.
    flight.seen = head;
    return false;
  }

  async #fill(
    key: string,
    factory: Factory,
    options: WrapOptions,
    defaultTtlMs: number,
    onStart: (seen: number) => void,
  ): Promise<CacheEntry> {
    const { cache, drain, claim } = this.parts;
    // A deletion that still waits would get a later revision than the one seen here.
    await drain();
    const found = await cache.peek(key);
    if (found !== undefined) return found;
    const release = await claim(key);
    try {
      // Whoever had the right before has perhaps stored what is wanted.
      const stored = release === undefined ? undefined : await cache.peek(key);
      if (stored !== undefined) return stored;
      return await this.#make(key, factory, options, defaultTtlMs, onStart);
    } finally {
      release?.();
    }
  }

  async #make(
    key: string,
    factory: Factory,
    options: WrapOptions,
    defaultTtlMs: number,
    onStart: (seen: number) => void,
  ): Promise<CacheEntry> {
    const { counters, revision } = this.parts;
    const seen = revision();
    onStart(seen);
    counters.factories++;
    const value = await factory();
    return this.#store(key, value, options, defaultTtlMs, seen);
  }

  async #store(
    key: string,
    value: unknown,
    options: WrapOptions,
    defaultTtlMs: number,
    seen: number,
  ): Promise<CacheEntry> {
    const { writer, counters, clock, maxValueBytes, onSilentError } = this.parts;
    if (value === undefined) return { value, expiresAt: clock.now() };
    let own: unknown = value;
    try {
      const ttl = typeof options.ttl === 'function' ? options.ttl(value as never) : options.ttl;
      const expiresAt = expiresAtFor(ttl, defaultTtlMs, clock);
      const captured = captureValue(value, maxValueBytes);
      own = captured.value;
      if (await writer.fill(key, captured, expiresAt, options.tags ?? [], seen)) {
        options.onStored?.(key, value);
      } else counters.fillsRefused++;
      return { value: captured.value, expiresAt };
    } catch (error) {
      // A mistake in the program is told; a disk that is full must not take the page down.
      if (error instanceof UnsupportedValueError || error instanceof InvalidTtlError) throw error;
      if (!(error instanceof HyperCacheError)) throw error;
      onSilentError(error, 'storing what a factory made');
      return { value: own, expiresAt: clock.now() };
    }
  }

  #refreshIfDue(
    key: string,
    found: CacheEntry,
    factory: Factory,
    options: WrapOptions,
    defaultTtlMs: number,
  ): void {
    const { cache, clock, onSilentError } = this.parts;
    const { refreshThreshold } = options;
    const threshold =
      typeof refreshThreshold === 'function'
        ? refreshThreshold(cache.release(found.value) as never)
        : refreshThreshold;
    const remaining = found.expiresAt - clock.now();
    if (threshold === undefined || remaining >= threshold || this.#refreshes.has(key)) return;
    this.#refreshes.add(key);
    this.#refresh(key, factory, options, defaultTtlMs)
      .then(
        (value) => options.onRefreshed?.(key, value, undefined),
        (error: unknown) => {
          onSilentError(new FactoryFailedError(error), 'refreshing an entry');
          options.onRefreshed?.(key, cache.release(found.value), error);
        },
      )
      .finally(() => this.#refreshes.delete(key));
  }

  async #refresh(
    key: string,
    factory: Factory,
    options: WrapOptions,
    defaultTtlMs: number,
  ): Promise<unknown> {
    const { cache, writer, clock, counters, maxValueBytes } = this.parts;
    await this.parts.drain();
    const seen = this.parts.revision();
    const { revision } = await cache.findWithRevision(key);
    counters.factories++;
    const value = await factory();
    if (value === undefined) {
      // What the origin no longer has ends here, unless something newer stands there already.
      if (revision > 0) await writer.deleteIf(key, revision);
      return value;
    }
    const ttl = typeof options.ttl === 'function' ? options.ttl(value as never) : options.ttl;
    const expiresAt = expiresAtFor(ttl, defaultTtlMs, clock);
    // Gone meanwhile: then it must not have come and gone once more during the factory.
    const isStored =
      revision === 0
        ? await writer.fill(
            key,
            captureValue(value, maxValueBytes),
            expiresAt,
            options.tags ?? [],
            seen,
          )
        : (await writer.setIf(key, value, revision, expiresAt, options.tags)).stored;
    if (isStored) options.onStored?.(key, value);
    else counters.fillsRefused++;
    return value;
  }
}
