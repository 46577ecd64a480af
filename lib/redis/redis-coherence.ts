import type { Clock } from '../common/clock.js';
import type { MemoryCoherence, MemoryListener } from '../engine/memory-coherence.js';
import type { RedisLink } from './redis-link.js';
import type { Space } from './space.js';

/** @internal */
export interface RedisCoherenceParts {
  readonly link: RedisLink;
  readonly clock: Clock;
  readonly memory: MemoryListener;
  /** How long memory stays trusted without a sign of life from the server, in ms. */
  readonly trustedMs: number;
  /** Whether memory is kept while the link is lost. A new link always empties it. */
  readonly servesStale: boolean;
}

/**
 * Keeps memory coherent by the server's tracking of what this connection has read. Commands, replies and invalidations share
 * one connection, so they arrive in the server's order.
 *
 * @internal
 */
export class RedisCoherence implements MemoryCoherence {
  readonly keepsOwnWrites = false;
  readonly #spaces = new Map<string, Space>();
  readonly #waits = new Map<string, Set<() => void>>();
  /** By the clock that is read once per turn; NaN while the link is lost. */
  #heardAt = NaN;
  #invalidations = 0;

  constructor(private readonly parts: RedisCoherenceParts) {
    parts.link.onInvalidate((key) => this.#invalidate(key));
    parts.link.onState((state) => {
      // A new link tracks nothing of what an earlier one has read.
      if (!parts.servesStale) {
        if (state !== 'open') this.#lose();
      } else if (state === 'open') this.#lose();
      else this.#endWaits();
    });
  }

  /** How many messages of the server reported a change. */
  get invalidations(): number {
    return this.#invalidations;
  }

  /** After the clock is set back, the last sign of life lies in the future. Memory is then not trusted until the next one. */
  isTrusted(): boolean {
    const silence = this.parts.clock.coarseNow() - this.#heardAt;
    return silence >= 0 && silence < this.parts.trustedMs;
  }

  add(space: Space): void {
    this.#spaces.set(space.keys.prefix, space);
  }

  /** @param sentAt when the answered request was sent, by {@link Clock.coarseNow} */
  hear(sentAt: number): void {
    this.#heardAt = sentAt;
  }

  /** Resolves when a key that was read has changed, or after a time. */
  async changeOf(key: string, ms: number): Promise<void> {
    const waits = this.#waits.get(key) ?? new Set();
    this.#waits.set(key, waits);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(end, ms);
      function end(): void {
        clearTimeout(timer);
        waits.delete(end);
        resolve();
      }
      waits.add(end);
    });
    if (waits.size === 0 && this.#waits.get(key) === waits) this.#waits.delete(key);
  }

  #invalidate(key: string | null): void {
    this.#invalidations++;
    if (key === null) {
      this.#lose();
      return;
    }
    this.#waits.get(key)?.forEach((end) => end());
    const at = key.indexOf('}:') + 2;
    const space = this.#spaces.get(key.slice(0, at));
    if (space === undefined) return;
    const rest = key.slice(at + 2);
    switch (key[at]) {
      case 'e':
        space.dropKey(rest);
        return;
      case 't':
        space.dropTag(rest);
        return;
      case 'g':
        space.drop();
    }
  }

  /** Treats everything that was read before as possibly changed. */
  #lose(): void {
    if (this.parts.link.state !== 'open') this.#heardAt = NaN;
    for (const space of this.#spaces.values()) space.drop();
    this.parts.memory.lost();
    this.#endWaits();
  }

  #endWaits(): void {
    for (const waits of this.#waits.values()) waits.forEach((end) => end());
  }
}
