import type { Clock } from '../common/clock.js';

/** How far the clocks of two nodes may be apart, the way of the request included. @internal */
export const REPLAY_WINDOW_MS = 30_000;

/** Some 100 bytes each. */
const MAX_NONCES = 200_000;

/**
 * Lets a signed request pass once. A nonce is remembered for as long as its timestamp is acceptable. When there are
 * too many, the oldest go, and with them the right of requests as old: memory is bounded, and nothing passes twice.
 *
 * @internal
 */
export class ReplayWindow {
  /** By the second in which they were signed. */
  readonly #nonces = new Map<number, Set<string>>();
  #held = 0;
  /** What was signed before is refused: this process does not know what came to the one before it. */
  #floor: number;

  constructor(
    private readonly clock: Clock,
    private readonly maxNonces = MAX_NONCES,
  ) {
    this.#floor = clock.now();
  }

  /** @param timestamp Unix ms; both were signed */
  accepts(nonce: string, timestamp: number): boolean {
    const now = this.clock.now();
    if (Math.abs(now - timestamp) > REPLAY_WINDOW_MS || timestamp < this.#floor) return false;
    const second = Math.floor(timestamp / 1000);
    const nonces = this.#nonces.get(second) ?? new Set();
    if (nonces.has(nonce)) return false;
    if (nonces.size === 0) this.#forget(now);
    this.#nonces.set(second, nonces.add(nonce));
    if (++this.#held > this.maxNonces) this.#narrow();
    return true;
  }

  /** What is too old to pass is refused without a look at its nonce. */
  #forget(now: number): void {
    for (const second of this.#nonces.keys()) {
      if ((second + 1) * 1000 + REPLAY_WINDOW_MS < now) this.#drop(second);
    }
  }

  #narrow(): void {
    const oldest = Math.min(...this.#nonces.keys());
    this.#drop(oldest);
    this.#floor = Math.max(this.#floor, (oldest + 1) * 1000);
  }

  #drop(second: number): void {
    this.#held -= this.#nonces.get(second)?.size ?? 0;
    this.#nonces.delete(second);
  }
}
