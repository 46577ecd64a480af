import { platform, uptime } from 'node:os';
import { setImmediate as onNextTurn } from 'node:timers';

/**
 * The only source of time. Injected everywhere, so that tests move time instead of sleeping.
 *
 * @publicApi
 */
export interface Clock {
  /** Wall clock, in Unix milliseconds. */
  now(): number;
  /**
   * Wall clock for the hit path, in Unix milliseconds: read once per event-loop turn, and again
   * after 256 uses in a turn that does not end, so a ttl is honoured to that accuracy.
   */
  coarseNow(): number;
  /**
   * Milliseconds on a clock that never jumps. Its origin means nothing, but is the same for all processes of a
   * machine until the machine starts again.
   */
  monotonic(): number;
  /** As {@link monotonic}, and it goes on while the machine sleeps; less precise, and not made for often. */
  uptime(): number;
}

/** `Date.now()` costs about three L1 lookups; this many lookups share one reading at most. */
const READS_PER_TURN = 256;

/**
 * The machine's clock.
 *
 * @internal
 */
export class SystemClock implements Clock {
  #coarse = 0;
  #readsLeft = 0;
  readonly #expire = (): void => {
    this.#readsLeft = 0;
  };

  now(): number {
    return Date.now();
  }

  coarseNow(): number {
    if (this.#readsLeft > 0) {
      this.#readsLeft--;
      return this.#coarse;
    }
    return this.#readCoarse();
  }

  monotonic(): number {
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1000 + nanoseconds / 1e6;
  }

  uptime(): number {
    // Elsewhere the monotonic clock itself counts the sleep.
    if (platform() !== 'linux') return this.monotonic();
    try {
      return uptime() * 1000;
    } catch {
      return this.monotonic();
    }
  }

  #readCoarse(): number {
    this.#coarse = Date.now();
    this.#readsLeft = READS_PER_TURN;
    // Not unref'ed: an unref'ed immediate would let the loop sleep and wake with an old reading.
    onNextTurn(this.#expire);
    return this.#coarse;
  }
}

/** One per process: its coarse reading is shared by all nodes. @internal */
export const systemClock: Clock = new SystemClock();
