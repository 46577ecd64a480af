import type { Clock } from '../common/clock.js';
import type { HyperCacheLogger } from '../common/logger.js';

const WINDOW_MS = 60_000;
/** The most failures of one address within a window. Further ones are answered 429. */
const MAX_FAILURES = 100;
const MAX_ADDRESSES = 1000;

/**
 * Counts requests without a valid token, by address. It makes guessing visible, and never refuses a valid token: a client that
 * shares an address with an attacker, behind a proxy, is not locked out (see docs/maintainers/decisions.md).
 *
 * @internal
 */
export class FailedAttempts {
  readonly #byAddress = new Map<string, { readonly since: number; count: number }>();

  constructor(
    private readonly clock: Clock,
    private readonly logger: HyperCacheLogger,
  ) {}

  /** Counts one failure. Returns true when there were too many. */
  isTooMany(address: string): boolean {
    const now = this.clock.monotonic();
    let failures = this.#byAddress.get(address);
    if (failures === undefined || now - failures.since >= WINDOW_MS) {
      failures = { since: now, count: 0 };
      this.#byAddress.delete(address);
      this.#byAddress.set(address, failures);
      this.#bound();
    }
    if (++failures.count === MAX_FAILURES) {
      this.logger.warn(
        `${MAX_FAILURES} requests from ${address} within a minute had no valid token; more of them are answered 429.`,
      );
    }
    return failures.count > MAX_FAILURES;
  }

  #bound(): void {
    if (this.#byAddress.size <= MAX_ADDRESSES) return;
    const [oldest = ''] = this.#byAddress.keys();
    this.#byAddress.delete(oldest);
  }
}
