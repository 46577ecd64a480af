import { createHash } from 'node:crypto';
import type { Awaitable } from '../common/awaitable.js';
import { compositeKey } from '../common/composite-key.js';
import type { Random } from '../common/random.js';
import { CLAIM_MS, ClaimKeeper, MAX_HOLD_MS } from '../engine/claim-keeper.js';
import type { Claims, FilledEntry, HeldClaim, OwnClaim } from '../engine/claims.js';
import type { CommandOf } from '../engine/command.js';
import { LeaseKind, type LeaseName } from '../engine/lease.js';
import type { LeaseService } from '../engine/lease-service.js';
import type { L2, Observation } from '../engine/l2.js';
import { revisionSeen } from './revision-seen.js';

const OWNER_BYTES = 16;

/** @internal */
export interface LeaseClaimsParts {
  readonly leases: LeaseService;
  readonly l2: L2;
  readonly random: Random;
  /** Whether other processes share the file at all. */
  readonly isShared: () => boolean;
}

/**
 * A lease is the right to call the factory of a key, and compare-and-set stores its result. An existing entry that must
 * be replaced has a separate lease for each of its revisions.
 *
 * @internal
 */
export class LeaseClaims implements Claims {
  constructor(
    private readonly namespace: string,
    private readonly parts: LeaseClaimsParts,
  ) {}

  claim(observed: Observation, isReplacing: boolean): Awaitable<OwnClaim | HeldClaim> {
    return this.#isShared() ? this.#claim(observed, isReplacing) : this.#own(observed, undefined);
  }

  #isShared(): boolean {
    try {
      return this.parts.isShared();
    } catch {
      // The file is gone or closed: storing the result reports what is wrong.
      return false;
    }
  }

  async #claim(observed: Observation, isReplacing: boolean): Promise<OwnClaim | HeldClaim> {
    const { leases, l2, random } = this.parts;
    const lease = this.#leaseOf(observed, isReplacing);
    const owner = random.hex(OWNER_BYTES);
    const request = { lease, owner, ttlMs: CLAIM_MS, slots: 1 };
    try {
      const grant = await leases.acquire({ ...request, waitMs: 0 });
      if (grant === undefined) return this.#held(request);
    } catch {
      // A page must not fail because the primary cannot be reached; storing the result reports what is wrong.
      return this.#own(observed, undefined);
    }
    const { key, tags } = observed.seen;
    const held = new ClaimKeeper({
      renew: (ms) => leases.extend(lease, owner, ms),
      keepFor: (ms) => leases.extend(lease, owner, ms),
      release: () => leases.release(lease, owner),
    });
    try {
      return this.#own(await l2.observe(key, tags), held);
    } catch {
      held.end();
      return this.#own(observed, undefined);
    }
  }

  #own(observed: Observation, lease: ClaimKeeper | undefined): OwnClaim {
    const { key, revision } = revisionSeen(observed);
    const fillWith = (entry: FilledEntry): CommandOf<'fill'> => ({
      kind: 'fill',
      namespace: this.namespace,
      key,
      ...entry,
      seen: revision,
    });
    return {
      isOurs: true,
      observed,
      fillWith,
      fail: (retryAfterMs) => lease?.keepFor(retryAfterMs),
      release: () => lease?.end(),
    };
  }

  #held(request: Omit<Parameters<LeaseService['acquire']>[0], 'waitMs'>): HeldClaim {
    const { leases } = this.parts;
    const ended = async (): Promise<void> => {
      try {
        const grant = await leases.acquire({ ...request, waitMs: MAX_HOLD_MS });
        if (grant !== undefined) await leases.release(request.lease, request.owner);
      } catch {
        // The next call finds out.
      }
    };
    return { isOurs: false, ended };
  }

  #leaseOf(observed: Observation, isReplacing: boolean): LeaseName {
    const { key, entryRevision } = revisionSeen(observed);
    const parts = isReplacing ? [key, String(entryRevision)] : [key];
    const text = compositeKey(this.namespace, ...parts);
    return { kind: LeaseKind.Fill, name: createHash('sha256').update(text).digest('base64url') };
  }
}
