import { createHash } from 'node:crypto';
import type { Clock } from '../common/clock.js';
import { compositeKey } from '../common/composite-key.js';
import type { Random } from '../common/random.js';
import { LeaseKind } from '../engine/lease.js';
import type { LeaseService } from '../engine/lease-service.js';
import { Lock } from './lock.js';

/** How long the right outlives the node that has it. Renewed at a third of it while the factory runs. */
const TTL_MS = 2000;

/** A factory that takes longer than this no longer keeps the other nodes from calling theirs. */
const MAX_FACTORY_MS = 300_000;

const OWNER_BYTES = 16;

/**
 * The right to call the factory of a key: one node of the cluster, one process of a machine, has it at a time, and
 * the next one finds what the first has stored.
 *
 * @internal
 */
export class FillClaims {
  constructor(
    private readonly leases: LeaseService,
    private readonly clock: Clock,
    private readonly random: Random,
    /** Whether there are others at all. */
    private readonly isShared: () => boolean,
  ) {}

  /** Resolves to how the right is given back; to nothing when there is nobody to agree with, or no way to do so. */
  async claim(namespace: string, key: string): Promise<(() => void) | undefined> {
    try {
      return this.isShared() ? await this.#claim(namespace, key) : undefined;
    } catch {
      // A page must not fail because nobody can be asked; storing the result tells what is wrong.
      return undefined;
    }
  }

  async #claim(namespace: string, key: string): Promise<(() => void) | undefined> {
    const name = createHash('sha256').update(compositeKey(namespace, key)).digest('base64url');
    const lock = new Lock(
      {
        lease: { kind: LeaseKind.Fill, name },
        owner: this.random.hex(OWNER_BYTES),
        ttlMs: TTL_MS,
        slots: 1,
        waitMs: MAX_FACTORY_MS,
        renew: true,
        maxHoldMs: MAX_FACTORY_MS,
        maxTtlMs: TTL_MS,
      },
      this.leases,
      this.clock,
    );
    if (!(await lock.acquire())) return undefined;
    return () => void lock.release().catch(() => undefined);
  }
}
