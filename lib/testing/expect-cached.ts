import { AssertionError, deepStrictEqual } from 'node:assert';
import { systemClock } from '../common/clock.js';
import { toMilliseconds, type Duration } from '../common/duration.js';
import type { Entry, GetEntryOptions } from '../nest/entry.js';

/** A cache that can be inspected: a `HyperCache`. @publicApi */
export interface InspectedCache {
  readonly namespace: string;
  getEntry<T>(key: string, options?: GetEntryOptions): Promise<Entry<T> | undefined>;
}

/** How {@link CacheExpectation.toHaveTtl} compares. @publicApi */
export interface TtlTolerance {
  /** How far the ttl may differ, in ms or as a duration. @default '1s' */
  within?: Duration;
  /** The start of the ttl, in Unix ms: the `now()` of a `TestClock`. @default now */
  now?: number;
}

/**
 * The expectations of a test about a cache. Each method rejects with an `AssertionError` of `node:assert`, which every test
 * runner shows. They read as `getEntry` does, so they count as hits and misses.
 *
 * @publicApi
 */
export class CacheExpectation {
  /** @internal {@link expectCached} creates it. */
  constructor(private readonly cache: InspectedCache) {}

  /** Expects a fresh entry with this key. With a second argument, its value must be deeply and strictly equal. */
  async toHave(key: string, ...value: [] | [value: unknown]): Promise<void> {
    const entry = await this.#found(key, this.toHave);
    if (value.length > 0) this.#compare(key, entry.value, value[0]);
  }

  /** Expects no fresh entry with this key. */
  async toMiss(key: string): Promise<void> {
    const entry = await this.cache.getEntry(key);
    if (entry === undefined) return;
    throw this.#failure(`has an entry of '${key}'`, this.toMiss, entry.value, undefined);
  }

  /** Expects an entry with this key that is past its ttl and kept for `stale` or `grace`, and this value, if one is given. */
  async toHaveStale(key: string, ...value: [] | [value: unknown]): Promise<void> {
    const entry = await this.cache.getEntry(key, { stale: true });
    if (entry === undefined) throw this.#failure(`has no entry of '${key}'`, this.toHaveStale);
    if (!entry.isStale) throw this.#failure(`has a fresh entry of '${key}'`, this.toHaveStale);
    if (value.length > 0) this.#compare(key, entry.value, value[0]);
  }

  /**
   * Expects a fresh entry with this key that stays fresh for this time.
   *
   * @param ttl milliseconds or a duration; 0 for one that never expires
   * @throws {HC_ARGUMENT_INVALID} for an invalid time
   */
  async toHaveTtl(
    key: string,
    ttl: Duration,
    { within = '1s', now = systemClock.now() }: TtlTolerance = {},
  ): Promise<void> {
    const expected = toMilliseconds(ttl, 'ttl to expect');
    const tolerance = toMilliseconds(within, 'tolerance');
    const { freshUntil } = await this.#found(key, this.toHaveTtl);
    const actual = freshUntil === undefined ? 0 : freshUntil - now;
    const isRight =
      expected === 0 || freshUntil === undefined
        ? expected === actual
        : Math.abs(actual - expected) <= tolerance;
    if (isRight) return;
    const what = `has '${key}' with a ttl of ${actual} ms, not ${expected} ms`;
    throw this.#failure(what, this.toHaveTtl, actual, expected);
  }

  async #found(key: string, caller: (...given: never) => unknown): Promise<Entry<unknown>> {
    const entry = await this.cache.getEntry(key);
    if (entry === undefined) throw this.#failure(`has no fresh entry of '${key}'`, caller);
    return entry;
  }

  #compare(key: string, actual: unknown, expected: unknown): void {
    try {
      deepStrictEqual(actual, expected);
    } catch (error) {
      // Its message shows the difference. The text before it names the entry.
      const difference = error instanceof AssertionError ? `\n${error.message}` : '';
      const message = `has another value of '${key}':${difference}`;
      throw this.#failure(message, this.toHave, actual, expected);
    }
  }

  #failure(
    what: string,
    caller: (...given: never) => unknown,
    actual?: unknown,
    expected?: unknown,
  ): AssertionError {
    return new AssertionError({
      message: `The cache '${this.cache.namespace}' ${what}`,
      actual,
      expected,
      operator: caller.name,
      stackStartFn: caller,
    });
  }
}

/**
 * Begins an assertion about what a cache holds. Its methods reject with an `AssertionError` that shows what was found.
 *
 * @example
 * ```ts
 * await expectCached(cache).toHave('user:1', { name: 'Ada' });
 * ```
 * @publicApi
 */
export function expectCached(cache: InspectedCache): CacheExpectation {
  return new CacheExpectation(cache);
}
