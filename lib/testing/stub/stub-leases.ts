import type { Clock } from '../../common/clock.js';
import type { AcquireRequest, LeaseService } from '../../engine/lease-service.js';
import type { Grant, LeaseName } from '../../engine/lease.js';

/** Grants every lease to every caller, with growing tokens. @internal */
export class StubLeases implements LeaseService {
  /** No caller waits. */
  readonly waiting = 0;
  #tokens = 0;

  constructor(private readonly clock: Clock) {}

  async acquire({ ttlMs, signal }: AcquireRequest): Promise<Grant> {
    signal?.throwIfAborted();
    return this.#grant(ttlMs);
  }

  async extend(_lease: LeaseName, _owner: string, ttlMs: number): Promise<Grant> {
    return this.#grant(ttlMs);
  }

  async release(): Promise<boolean> {
    return true;
  }

  async forceRelease(): Promise<boolean> {
    return false;
  }

  watchLoss(): () => void {
    return () => undefined;
  }

  async holders(): Promise<[]> {
    return [];
  }

  async list(): Promise<[]> {
    return [];
  }

  #grant(ttlMs: number): Grant {
    return { token: ++this.#tokens, expiresAt: this.clock.monotonic() + ttlMs };
  }
}
