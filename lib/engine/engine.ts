import type { Clock } from '../common/clock.js';
import type { Claims } from './claims.js';
import type { CommandQueue } from './command-queue.js';
import type { L2 } from './l2.js';
import type { LeaseService } from './lease-service.js';
import type { MemoryCoherence } from './memory-coherence.js';

/**
 * Stores and orders the entries. The cache and the locks are built on it, whichever engine it is.
 *
 * @internal
 */
export interface Engine {
  /** The clock that sets and judges deadlines. */
  readonly clock: Clock;
  readonly queue: CommandQueue;
  readonly leases: LeaseService;
  readonly coherence: MemoryCoherence;
  l2(namespace: string): L2;
  claims(namespace: string): Claims;
}
