import { beforeEach, describe, expect, it } from '@jest/globals';
import { LeaseCollector } from '../../../lib/sqlite/maintenance/lease-collector.js';
import { LeaseKind, type LeaseName } from '../../../lib/engine/lease.js';
import type { Storage } from '../../../lib/sqlite/storage.js';
import { ManualClock } from '../../support/manual-clock.js';
import { useStorages } from '../../support/storages.js';
import { useTemporaryDirectories } from '../../support/temporary-directory.js';

const KEEP = 10_000;

const lease = (i: number): LeaseName => ({ kind: LeaseKind.Lock, name: `lock-${i}` });

describe('LeaseCollector', () => {
  const openStorage = useStorages();
  const newDirectory = useTemporaryDirectories();
  let clock: ManualClock;
  let directory: string;
  let storage: Storage;
  let collector: LeaseCollector;

  const open = (): void => {
    ({ storage } = openStorage({ directory, clock }));
    collector = new LeaseCollector(storage, clock, KEEP);
  };
  beforeEach(() => {
    clock = new ManualClock();
    directory = newDirectory();
    open();
  });

  const take = (name: LeaseName, ttl: number): number => {
    const grant = storage.transaction(() =>
      storage.leases.take(name, 0, 'owner', ttl, clock.monotonic()),
    );
    return Number(grant?.token);
  };
  /** Of a lease that is known; an upper bound, or 0, of one that is not. */
  const lastToken = (name: LeaseName): number => storage.leases.lastToken(name);
  const step = (): void => {
    clock.advance(1000);
    collector.step();
  };

  it('remembers a lease for its time after its end, and then only that tokens must be larger', () => {
    const first = take(lease(1), 1000);
    const second = take(lease(2), 1000);
    expect(take(lease(2), 1000)).toBeNaN();
    clock.advance(KEEP);
    collector.step();
    expect([lastToken(lease(1)), lastToken(lease(2))]).toEqual([first, second]);
    step();

    // The floor is one for all names.
    const floor = Math.max(first, second);
    expect([lastToken(lease(1)), lastToken(lease(3))]).toEqual([floor, floor]);
    expect(take(lease(1), 1000)).toBeGreaterThan(first);
    expect(take(lease(2), 1000)).toBeGreaterThan(second);
  });

  it('never forgets a lease that is live', () => {
    take(lease(1), 3 * KEEP);
    const token = lastToken(lease(1));
    for (let i = 0; i < 29; i++) step();

    expect(lastToken(lease(1))).toBe(token);
    expect(storage.leases.holders(lease(1), clock.monotonic())).toMatchObject([{ token }]);
  });

  it('comes round to all of them, a few in each step, once a second', () => {
    const count = 1200;
    for (let i = 0; i < count; i++) {
      for (let grants = 0; grants <= i % 3; grants++) {
        take(lease(i), 1);
        clock.advance(1);
      }
    }
    const tokens = Array.from({ length: count }, (_, i) => lastToken(lease(i)));
    const floor = Math.max(...tokens);
    const remembered = (): number => tokens.filter((_, i) => lastToken(lease(i)) !== floor).length;
    const before = remembered();
    clock.advance(KEEP);
    step();
    collector.step();
    const afterOne = remembered();
    for (let i = 0; i < 3; i++) step();

    expect(before).toBeGreaterThan(count / 2);
    expect(afterOne).toBeLessThan(before);
    expect(afterOne).toBeGreaterThan(0);
    expect(remembered()).toBe(0);
    for (const [i, token] of tokens.entries()) expect(take(lease(i), 1)).toBeGreaterThan(token);
  });

  it('lets no token come again after a restart either', () => {
    const token = take(lease(1), 1);
    clock.advance(KEEP);
    step();
    storage.close();
    open();

    expect(take(lease(1), 1)).toBeGreaterThan(token);
  });
});
