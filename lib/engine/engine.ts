import type { Clock } from '../common/clock.js';
import type { Claims } from './claims.js';
import type { CommandQueue } from './command-queue.js';
import type { L2 } from './l2.js';
import type { LeaseService } from './lease-service.js';
import type { MemoryCoherence } from './memory-coherence.js';

/**
 * What stores and orders, as those above see it. The cache and the locks are built on it, whatever it is.
 *
 * @internal
 */
export interface Engine {
  /** By which deadlines are set and judged. */
  readonly clock: Clock;
  readonly queue: CommandQueue;
  readonly leases: LeaseService;
  readonly coherence: MemoryCoherence;
  l2(namespace: string): L2;
  claims(namespace: string): Claims;
}
