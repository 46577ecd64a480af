import { platform, uptime } from 'node:os';
import { setImmediate as onNextTurn } from 'node:timers';

/**
 * The only source of time. It is injected everywhere, so that tests move time instead of sleeping.
 *
 * @publicApi
 */
export interface Clock {
  /** Wall clock, in Unix milliseconds. */
  now(): number;
  /**
   * Wall clock for the hit path, in Unix milliseconds. It is read once per event-loop turn, and again after 256 uses within
   * one turn. A ttl is honored to that accuracy.
   */
  coarseNow(): number;
  /**
   * Milliseconds on a clock that never jumps. Its origin has no meaning, but all processes of a machine share it until the
   * machine restarts.
   */
  monotonic(): number;
  /** As {@link monotonic}, but it also counts the time that the machine sleeps; less precise, and not for frequent use. */
  uptime(): number;
}

/** `Date.now()` costs about as much as three L1 lookups; at most this many lookups share one reading. */
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
    // On other platforms the monotonic clock itself counts the sleep.
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
    // Not unref'ed: with an unref'ed immediate the loop could sleep, and wake up with an old reading.
    onNextTurn(this.#expire);
    return this.#coarse;
  }
}

/** One per process: all nodes share its coarse reading. @internal */
export const systemClock: Clock = new SystemClock();
