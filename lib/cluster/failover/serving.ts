import type { HyperCacheError } from '../../common/errors.js';
import { Signal } from '../../common/signal.js';

/**
 * Whether a node may serve as a primary. It is created first, and consulted before each write and each answer.
 *
 * @internal
 */
export class Serving {
  /** Promises made so far no longer hold, for this reason: replicas must connect again, and leases are lost. */
  readonly interrupted = new Signal<[reason: string, cause: HyperCacheError]>();
  #refusal: HyperCacheError | undefined;

  /** Why this node may not serve; undefined while it may. */
  get refusal(): HyperCacheError | undefined {
    return this.#refusal;
  }

  /** @throws the refusal, when this node may not serve */
  assert(): void {
    if (this.#refusal !== undefined) throw this.#refusal;
  }

  /** Ends service for good: another node has taken the place of this one. */
  end(refusal: HyperCacheError): void {
    this.#refusal = refusal;
    this.interrupted.emit('another node was promoted', refusal);
  }
}
