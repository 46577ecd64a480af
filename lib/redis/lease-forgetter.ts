import type { LeaseScripts } from './lease-scripts.js';
import type { RedisLink } from './redis-link.js';

/** Milliseconds. */
const INTERVAL_MS = 30_000;

/** Leases that one step looks at. */
const STEP = 500;

/** When more are known, those that are free go a minute after their end. */
const MOST_KNOWN = 100_000;

/**
 * Forgets leases that ended long ago, now and then, in bounded steps: nothing of them ends by itself on the server, so that
 * it makes no room by them.
 *
 * @internal
 */
export class LeaseForgetter {
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly scripts: LeaseScripts,
    private readonly link: RedisLink,
    /** Milliseconds after its end for which a lease is remembered. */
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

  /** Step after step, until nothing is due; stops when it is closed. */
  async forget(): Promise<void> {
    for (let isLast = false; !isLast && this.#timer !== undefined;) {
      const [seen, waited] = await this.scripts.forget(this.keepMs, MOST_KNOWN, STEP);
      isLast = seen < STEP;
      // Waiters whose nodes have gone leave the queue.
      for (const lease of waited) await this.scripts.promote(lease);
    }
  }
}
