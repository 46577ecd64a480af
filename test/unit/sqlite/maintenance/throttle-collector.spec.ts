import { describe, expect, it } from '@jest/globals';
import type { ThrottleLimits } from '../../../../lib/engine/throttle.js';
import { ThrottleCollector } from '../../../../lib/sqlite/maintenance/throttle-collector.js';
import { ManualClock } from '../../../support/manual-clock.js';
import { useStorages } from '../../../support/storages.js';

describe('ThrottleCollector', () => {
  const openStorage = useStorages();

  function setUp(maxFileBytes = Infinity, mostKnown = 1000) {
    const clock = new ManualClock();
    const { storage, run } = openStorage({ clock });
    const collector = new ThrottleCollector(storage, clock, maxFileBytes, mostKnown);
    const hit = (key: string, limits: Partial<ThrottleLimits> = {}) =>
      run<'throttle'>({
        kind: 'throttle',
        throttle: { key, name: 'default' },
        limits: { limit: 5, ttl: 1000, blockDuration: 1000, window: 'sliding', ...limits },
      });
    const known = (): number => {
      let count = 0;
      for (let after = 0; ;) {
        const { last, rows } = storage.throttles.page(after, 500);
        count += rows;
        if (last === undefined) return count;
        after = last;
      }
    };
    /** Steps until the table was walked through, and more than once. */
    const walk = (): void => {
      for (let i = 0; i < 20; i++) {
        clock.advance(1000);
        while (collector.step());
      }
    };
    return { clock, storage, collector, hit, known, walk };
  }

  it('forgets what has ended, and nothing else', () => {
    const { hit, known, walk } = setUp();
    for (let i = 0; i < 700; i++) hit(`short ${i}`);
    for (let i = 0; i < 10; i++) hit(`long ${i}`, { ttl: 3_600_000 });
    expect(hit('blocked', { limit: 0, blockDuration: 3_600_000 })).toMatchObject({
      isBlocked: true,
    });
    walk();
    expect(known()).toBe(11);
    expect(hit('blocked', { limit: 0, blockDuration: 3_600_000 }).timeToBlockExpire).toBeLessThan(
      3_600_000,
    );
  });

  it('holds their number near its bound, and gives up first what ends first', () => {
    const { hit, known, collector } = setUp();
    for (let i = 0; i < 20; i++) hit(`blocked ${i}`, { limit: 0, blockDuration: 3_600_000 });
    for (let i = 0; i < 5000; i++) {
      hit(`${i}`, { ttl: 60_000 });
      if (i % 100 === 0) while (collector.step());
      expect(known()).toBeLessThan(1700);
    }
    while (collector.step());
    expect(known()).toBeLessThanOrEqual(1000);
    expect(known()).toBeGreaterThan(200);
    for (let i = 0; i < 20; i++) {
      const { isBlocked, timeToBlockExpire } = hit(`blocked ${i}`, { limit: 5 });
      expect({ isBlocked, timeToBlockExpire }).toEqual({
        isBlocked: true,
        timeToBlockExpire: 3_600_000,
      });
    }
  });

  it('gives room when they take more than an eighth of the file', () => {
    const { hit, known, walk, collector } = setUp(2 * 1024 * 1024, 100_000);
    for (let i = 0; i < 3000; i++) hit(`${i}`, { ttl: 3_600_000 });
    walk();
    expect(known() * 120).toBeLessThan(1024 * 256);
    expect(collector.reclaim()).toBe(false);
  });
});
