import { describe } from '@jest/globals';
import type { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import type { HyperCacheNode } from '../../lib/node/hyper-cache-node.js';
import type { HyperCacheOptions } from '../../lib/node/options.js';
import { describeBadInput } from './lock/bad-input.js';
import { describeExclusion } from './lock/exclusion.js';
import { describeExpiry } from './lock/expiry.js';
import { describeFencing } from './lock/fencing.js';
import { describeInspection } from './lock/inspection.js';
import { describeNames } from './lock/names.js';
import { describeRelease } from './lock/release.js';
import { describeRenewal } from './lock/renewal.js';
import { describeSemaphore } from './lock/semaphore.js';
import { describeVerbs } from './lock/verbs.js';
import { describeWaiting } from './lock/waiting.js';

/** What the locks under test are asked through. */
export interface LockSubject {
  /** What an application injects. */
  readonly cache: HyperCache;
  /** The node that decides. */
  readonly decider: HyperCacheNode;
  /** Moves the clock by which leases are judged; only where it is manual. */
  advance(ms: number): void;
}

/** How the subject is made. */
export interface LockSubjectOptions {
  /** With the machine's clock instead of one that the test moves. */
  readonly isRealTime?: boolean;
  /** Of the node that decides. */
  readonly options?: HyperCacheOptions;
}

/** Makes a subject without any lock. */
export type CreateLockSubject = (options?: LockSubjectOptions) => Promise<LockSubject>;

/** What locks and semaphores promise on every node; Laravel's lock behaviours are among it, point by point. */
export function describeLockContract(name: string, create: CreateLockSubject): void {
  describe(`Locks ${name}`, () => {
    describeExclusion(create);
    describeExpiry(create);
    describeRelease(create);
    describeVerbs(create);
    describeWaiting(create);
    describeRenewal(create);
    describeSemaphore(create);
    describeNames(create);
    describeInspection(create);
    describeFencing(create);
    describeBadInput(create);
  });
}
