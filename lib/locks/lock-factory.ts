import type { Clock } from '../common/clock.js';
import type { Duration } from '../common/duration.js';
import { assertKey } from '../common/keys.js';
import type { Random } from '../common/random.js';
import { LeaseKind } from '../engine/lease.js';
import type { LeaseService } from '../engine/lease-service.js';
import { Lock } from './lock.js';
import {
  checkedLeaseTtl,
  checkedLimit,
  checkedMaxHold,
  checkedOwner,
  checkedWait,
} from './lock-arguments.js';

/** The options of a lock. @publicApi */
export interface LockOptions {
  /** How long the lease lasts if its holder is gone, in ms or as a duration; above 0. */
  ttl: Duration;
  /** How long the verbs wait in the queue, in ms or as a duration; 0 means not to wait. @default 0 */
  wait?: Duration | undefined;
  /** Extends the lease after a third of the ttl until it is released, lost, or `maxHold` is over. @default false */
  renew?: boolean | undefined;
  /** When renewal stops, in ms or as a duration from the grant. @default '24h' */
  maxHold?: Duration | undefined;
  /** The name of the holder, which has one slot of a semaphore at most. @default 128 random bits */
  owner?: string | undefined;
}

/** The options of a semaphore: those of a lock, and how many may hold it. @publicApi */
export interface SemaphoreOptions extends LockOptions {
  /** How many owners may hold it at the same time, from 1 to 1000. */
  limit: number;
}

/** A lock or a slot of a semaphore that is held now. @publicApi */
export interface LockInfo {
  kind: 'lock' | 'semaphore';
  name: string;
  owner: string;
  /** The fencing token of the grant. */
  token: number;
  /** Milliseconds until the lease ends. */
  remaining: number;
}

const OWNER_BYTES = 16;
const DEFAULT_MAX_HOLD_MS = 86_400_000;

/** By how much a restored lock extends its lease when its options give no ttl. */
const RESTORED_TTL_MS = 10_000;

/**
 * Makes lock handles for a node.
 *
 * @internal
 */
export class LockFactory {
  constructor(
    private readonly leases: LeaseService,
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly maxTtlMs: number,
  ) {}

  /** @throws {HC_KEY_INVALID | HC_ARGUMENT_INVALID} */
  lock(name: string, options: LockOptions): Lock {
    return this.#create(LeaseKind.Lock, name, options, 1);
  }

  /** @throws {HC_KEY_INVALID | HC_ARGUMENT_INVALID} */
  semaphore(name: string, options: SemaphoreOptions): Lock {
    return this.#create(LeaseKind.Semaphore, name, options, checkedLimit(options?.limit));
  }

  /**
   * The right to run the task of this name, which is not one of the application's locks.
   *
   * @throws {HC_KEY_INVALID | HC_ARGUMENT_INVALID}
   */
  run(name: string, options: LockOptions): Lock {
    return this.#create(LeaseKind.Run, name, options, 1);
  }

  /** @throws {HC_KEY_INVALID | HC_ARGUMENT_INVALID} */
  restore(name: string, owner: string, options: Partial<LockOptions> = {}): Lock {
    const ttl = options.ttl ?? Math.min(RESTORED_TTL_MS, this.maxTtlMs);
    return this.#create(LeaseKind.Lock, name, { ...options, ttl, owner: checkedOwner(owner) }, 1);
  }

  /** The holder of the lock of this name; undefined when the lock is free. */
  async inspect(name: string): Promise<LockInfo | undefined> {
    assertKey(name, 'name');
    const [held] = await this.leases.holders({ kind: LeaseKind.Lock, name });
    return held === undefined ? undefined : infoOf(held, this.clock.monotonic());
  }

  async list(): Promise<LockInfo[]> {
    const held = await this.leases.list();
    const now = this.clock.monotonic();
    return held.map((lease) => infoOf(lease, now));
  }

  #create(kind: LeaseKind, name: string, options: LockOptions, slots: number): Lock {
    assertKey(name, 'name');
    const { ttl, wait = 0, renew = false, maxHold = DEFAULT_MAX_HOLD_MS, owner } = options ?? {};
    return new Lock(
      {
        lease: { kind, name },
        owner: owner === undefined ? this.random.hex(OWNER_BYTES) : checkedOwner(owner),
        ttlMs: checkedLeaseTtl(ttl, this.maxTtlMs),
        slots,
        waitMs: checkedWait(wait),
        renew,
        maxHoldMs: checkedMaxHold(maxHold),
        maxTtlMs: this.maxTtlMs,
      },
      this.leases,
      this.clock,
    );
  }
}

function infoOf(
  held: { kind: LeaseKind; name: string; owner: string; token: number; expiresAt: number },
  now: number,
): LockInfo {
  const { kind, name, owner, token, expiresAt } = held;
  return {
    kind: kind === LeaseKind.Lock ? 'lock' : 'semaphore',
    name,
    owner,
    token,
    remaining: Math.max(0, expiresAt - now),
  };
}
