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

  const open = (maxFileBytes = Infinity): void => {
    ({ storage } = openStorage({ directory, clock }));
    collector = new LeaseCollector(storage, clock, KEEP, maxFileBytes);
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

  const known = (): number => storage.leases.countKnown(100_000);
  const release = (name: LeaseName): boolean =>
    storage.transaction(() => storage.leases.release(name, 'owner', clock.monotonic()));

  it('remembers a lock for its time after its release, however long its ttl was', () => {
    take(lease(1), 1000 * KEEP);
    release(lease(1));
    clock.advance(KEEP - 1);
    collector.step();
    expect(known()).toBe(1);
    step();
    expect(known()).toBe(0);
  });

  it('forgets the right to call a factory when it is given back, or has ended', () => {
    const fill = (i: number): LeaseName => ({ kind: LeaseKind.Fill, name: `key-${i}` });
    for (let i = 0; i < 3; i++) take(fill(i), 1000);
    expect(release(fill(0))).toBe(true);
    expect(known()).toBe(2);
    clock.advance(1000);
    take(fill(1), 1000);
    collector.step();

    expect(known()).toBe(1);
    // Nothing is fenced by it.
    expect(lastToken(lease(1))).toBe(0);
  });

  describe('with more than 10,000 leases', () => {
    const LIVE = 500;
    let tokens: number[];
    beforeEach(() => {
      tokens = [];
      for (let i = 0; i < 12_000; i++) {
        tokens.push(take(lease(i), 1000 * KEEP));
        if (i >= LIVE) release(lease(i));
      }
    });

    it('forgets free ones without a rest, until there are no more than that', () => {
      let steps = 0;
      while (collector.step()) steps++;

      expect(steps).toBeGreaterThan(1);
      expect(steps).toBeLessThan(30);
      expect(known()).toBeLessThanOrEqual(10_000);
      expect(known()).toBeGreaterThan(9000);
    });

    it('leaves the live ones held, and lets all tokens grow', () => {
      while (collector.step());
      expect(lastToken(lease(0))).toBe(tokens[0]);
      expect(take(lease(LIVE - 1), 1000)).toBeNaN();
      for (let i = LIVE; i < 12_000; i += 100) {
        expect(take(lease(i), 1000)).toBeGreaterThan(Number(tokens[i]));
      }
    });

    it('rests when all of them are held', () => {
      for (let i = LIVE; i < 12_000; i++) take(lease(i), 1000 * KEEP);
      let steps = 0;
      while (collector.step()) steps++;

      expect(steps).toBeLessThan(60);
      expect(collector.step()).toBe(false);
      expect(known()).toBe(12_000);
    });
  });

  it('gives room in a small file, though many that are held lie side by side', () => {
    storage.close();
    open(4 * 1024 * 1024);
    const names = Array.from({ length: 2000 }, (_, i) => lease(i));
    names.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const [i, name] of names.entries()) {
      take(name, 1000 * KEEP);
      if (i >= 1200) release(name);
    }
    expect(collector.reclaim()).toBe(true);
    while (collector.reclaim());

    expect(known()).toBe(1200);
    expect(collector.reclaim()).toBe(false);
  });
});
