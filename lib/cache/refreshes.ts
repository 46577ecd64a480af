import type { Clock } from '../common/clock.js';
import type { CacheEntry } from './tiered-cache.js';

/** Of so many keys it is known that they are not to be refreshed yet; of more, the oldest may be too early. */
const MAX_PAUSES = 10_000;

/** Between two questions whether another process still refreshes a key. */
const HELD_MS = 1000;

interface Pause {
  /** Monotonic ms. */
  readonly until: number;
  /** Of the entry that it is about: another one has no pause. */
  readonly expiresAt: number;
}

/** Refreshes in the background of one namespace: one at a time of each key, and pauses after those that failed. @internal */
export class Refreshes {
  readonly #running = new Map<string, Promise<unknown>>();
  readonly #pauses = new Map<string, Pause>();

  constructor(private readonly clock: Clock) {}

  /** Resolves when that of the key has ended; undefined without one. */
  of(key: string): Promise<unknown> | undefined {
    return this.#running.get(key);
  }

  mayBegin(key: string, { expiresAt }: CacheEntry): boolean {
    if (this.#running.has(key)) return false;
    const pause = this.#pauses.get(key);
    if (pause === undefined) return true;
    if (pause.expiresAt === expiresAt && this.clock.monotonic() < pause.until) return false;
    this.#pauses.delete(key);
    return true;
  }

  /** Ends as it does; by then the next one may begin. */
  begin<T>(key: string, refresh: Promise<T>): Promise<T> {
    const ended = refresh.finally(() => this.#running.delete(key));
    this.#running.set(
      key,
      ended.catch(() => undefined),
    );
    return ended;
  }

  /** Nobody is to call the factory for so many ms; without any, until another process may have ended. */
  pause(key: string, { expiresAt }: CacheEntry, ms = HELD_MS): void {
    this.#pauses.delete(key);
    this.#pauses.set(key, { until: this.clock.monotonic() + ms, expiresAt });
    if (this.#pauses.size <= MAX_PAUSES) return;
    for (const [oldest] of this.#pauses) {
      this.#pauses.delete(oldest);
      return;
    }
  }
}
