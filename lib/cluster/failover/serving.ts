import type { HyperCacheError } from '../../common/errors.js';
import { Signal } from '../../common/signal.js';

/**
 * Whether a node may serve as a primary. Made first, and asked before anything is written or answered.
 *
 * @internal
 */
export class Serving {
  /** What was promised counts no more: replicas are to connect again, leases are lost, and why. */
  readonly interrupted = new Signal<[reason: string, cause: HyperCacheError]>();
  #refusal: HyperCacheError | undefined;

  /** Why it may not; undefined while it may. */
  get refusal(): HyperCacheError | undefined {
    return this.#refusal;
  }

  /** @throws why it may not */
  assert(): void {
    if (this.#refusal !== undefined) throw this.#refusal;
  }

  /** Another node goes on in the place of this one, for good. */
  end(refusal: HyperCacheError): void {
    this.#refusal = refusal;
    this.interrupted.emit('another node was promoted', refusal);
  }
}
