import type { Clock } from '../../common/clock.js';
import type { Claims, FilledEntry } from '../../engine/claims.js';
import type { L2, Observation } from '../../engine/l2.js';
import { EngineInMemory } from '../engine-in-memory.js';
import { StubLeases } from './stub-leases.js';
import { StubQueue } from './stub-queue.js';

/** An engine that holds nothing. @internal */
export class StubEngine extends EngineInMemory {
  readonly queue: StubQueue;
  readonly leases: StubLeases;
  readonly coherence = { isTrusted: () => true, keepsOwnWrites: false };

  constructor(readonly clock: Clock) {
    super();
    this.queue = new StubQueue(clock);
    this.leases = new StubLeases(clock);
  }

  l2(): L2 {
    return EMPTY;
  }

  claims(namespace: string): Claims {
    return {
      claim: (observed: Observation) => {
        const { key } = observed.seen;
        return {
          isOurs: true,
          observed,
          fillWith: (entry: FilledEntry) => ({ kind: 'fill', namespace, key, ...entry, seen: 0 }),
          fail: () => undefined,
          release: () => undefined,
        };
      },
    };
  }
}

const EMPTY: L2 = {
  layer: 'l2',
  readValue: () => undefined,
  read: () => undefined,
  freshUntil: () => undefined,
  readVersioned: () => ({ value: undefined, revision: 0, expiresAt: undefined }),
  observe: (key, tags) => ({ entry: undefined, seen: { key, tags } }),
  isCurrent: () => true,
  keysPage: () => ({ items: [], next: undefined }),
  entriesPage: () => ({ items: [], next: undefined }),
};
