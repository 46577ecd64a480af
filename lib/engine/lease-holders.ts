import type { HyperCacheError } from '../common/errors.js';
import type { LeaseHolder } from './lease-service.js';

/** A smaller number of holders is not worth a review. */
const MIN_REVIEW = 1000;

/**
 * The holders of leases in this process, which are notified when all leases are lost at once.
 *
 * @internal
 */
export class LeaseHolders {
  readonly #holders = new Set<LeaseHolder>();
  #reviewAt = MIN_REVIEW;

  /** Returns a function that ends the watch before the lease has ended. */
  watch(holder: LeaseHolder): () => void {
    if (this.#holders.size >= this.#reviewAt) this.#forgetEnded();
    this.#holders.add(holder);
    return () => this.#holders.delete(holder);
  }

  /** How many holders have a lease that has not ended, as far as they know. */
  countLive(): number {
    this.#forgetEnded();
    return this.#holders.size;
  }

  loseAll(cause: HyperCacheError): void {
    for (const holder of Array.from(this.#holders)) holder.onLoss(cause);
  }

  runDue(): void {
    for (const holder of Array.from(this.#holders)) holder.runDue();
  }

  /** Forgets holders that never release: all holders are reviewed whenever their number has doubled. */
  #forgetEnded(): void {
    for (const holder of this.#holders) if (!holder.isLive) this.#holders.delete(holder);
    this.#reviewAt = Math.max(MIN_REVIEW, 2 * this.#holders.size);
  }
}
