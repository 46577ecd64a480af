import type { Clock } from '../common/clock.js';
import type { Claims } from '../engine/claims.js';
import type { CommandQueue } from '../engine/command-queue.js';
import type { RunningEngine } from '../engine/engine-option.js';
import type { L2 } from '../engine/l2.js';
import type { LeaseService } from '../engine/lease-service.js';
import type { MemoryCoherence } from '../engine/memory-coherence.js';

/** An engine that has nothing to open. Subclasses define the rest. @internal */
export abstract class EngineInMemory implements RunningEngine {
  abstract readonly clock: Clock;
  abstract readonly queue: CommandQueue & { readonly length: number; close(): void };
  abstract readonly leases: LeaseService & { readonly waiting: number };
  abstract readonly coherence: MemoryCoherence;
  readonly isOpen = true;
  readonly isRemote = false;

  abstract l2(namespace: string): L2;
  abstract claims(namespace: string): Claims;

  async start(): Promise<void> {
    // There is nothing to open.
  }

  async runDue(): Promise<void> {
    // There is no work in the background.
  }

  async close(): Promise<void> {
    this.queue.close();
  }

  stats() {
    return { lockWaiters: this.leases.waiting };
  }
}
