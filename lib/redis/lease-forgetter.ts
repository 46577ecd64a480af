import type { LeaseScripts } from './lease-scripts.js';
import type { RedisLink } from './redis-link.js';

/** Milliseconds. */
const INTERVAL_MS = 30_000;

/** Leases that one step checks. */
const STEP = 500;

/** Above this number of known leases, free leases are removed one minute after their end. */
const MOST_KNOWN = 100_000;

/**
 * Removes leases that ended long ago, from time to time, in bounded steps. The server never removes a lease by itself.
 *
 * @internal
 */
export class LeaseForgetter {
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly scripts: LeaseScripts,
    private readonly link: RedisLink,
    /** How long a lease is kept after its end, in milliseconds. */
    private readonly keepMs: number,
    private readonly onError: (error: unknown) => void,
  ) {}

  start(): void {
    this.#timer ??= setInterval(() => {
      if (this.link.state === 'open') this.forget().catch(this.onError);
    }, INTERVAL_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Runs step after step until no lease is due, or until it is closed. */
  async forget(): Promise<void> {
    for (let isLast = false; !isLast && this.#timer !== undefined;) {
      const [seen, waited] = await this.scripts.forget(this.keepMs, MOST_KNOWN, STEP);
      isLast = seen < STEP;
      // Removes the waiters of dead nodes from the queue.
      for (const lease of waited) await this.scripts.promote(lease);
    }
  }
}
