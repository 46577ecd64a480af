import { describe, expect, it } from '@jest/globals';
import { LogTrimmer } from '../../../../lib/sqlite/maintenance/log-trimmer.js';
import { ChangeKind } from '../../../../lib/sqlite/change-log.js';
import { MAX_RUN } from '../../../../lib/sqlite/source-table.js';
import type { Storage } from '../../../../lib/sqlite/storage.js';
import { ManualClock } from '../../../support/manual-clock.js';
import { useStorages } from '../../../support/storages.js';

const HOUR = 3_600_000;

describe('LogTrimmer', () => {
  const openStorage = useStorages();

  function setUp({ maxEntries = 1_000_000, maxAgeMs = 24 * HOUR, maxFileBytes = Infinity } = {}) {
    const clock = new ManualClock();
    const { storage } = openStorage({ clock });
    const trimmer = new LogTrimmer(storage, clock, maxEntries, maxAgeMs, maxFileBytes);
    return { clock, storage, trimmer };
  }

  function change(storage: Storage, count: number, key = 'k'): void {
    storage.transaction(() => {
      for (let i = 0; i < count; i++) {
        storage.changes.append(storage.nextRevision(), 1, ChangeKind.Key, `${key}${i}`);
      }
    });
  }

  function logged({ changes }: Storage): number {
    return changes.head() - changes.oldest() + 1;
  }

  it('does nothing to an empty log, or to one within its bounds', () => {
    const { storage, trimmer } = setUp({ maxEntries: 10 });
    expect(trimmer.step()).toBe(false);
    change(storage, 10);
    expect(trimmer.step()).toBe(false);
    expect(logged(storage)).toBe(10);
  });

  it('holds the log within its number of entries, in bounded steps', () => {
    const { storage, trimmer } = setUp({ maxEntries: 1000 });
    change(storage, 7500);
    const left: number[] = [];
    while (trimmer.step()) left.push(logged(storage));
    expect(left).toEqual([7400, 7200, 6800, 6000, 4400, 2400]);
    expect(logged(storage)).toBe(1000);
    expect(storage.changes.head()).toBe(7500);
  });

  it('trims more in each step than was added since the last one', () => {
    const { clock, storage, trimmer } = setUp({ maxEntries: 1000 });
    change(storage, 3000);
    const { monotonic } = clock;
    clock.monotonic = () => {
      clock.advance(5);
      return monotonic.call(clock);
    };
    const left: number[] = [];
    for (let i = 0; i < 40 && trimmer.step(); i++) {
      left.push(logged(storage));
      change(storage, 500);
    }
    expect(left.slice(0, 3)).toEqual([2900, 2800, 2700]);
    expect(logged(storage)).toBeLessThan(2000);
  });

  it('trims a log in which revisions are missing, as that of a replica', () => {
    const { storage, trimmer } = setUp({ maxEntries: 1000 });
    for (let i = 0; i < 50; i++) {
      change(storage, 99);
      storage.transaction(() => {
        storage.advanceTo(storage.revision + 1);
        storage.changes.append(storage.nextRevision(), 1, ChangeKind.Key, 'k');
      });
    }
    while (trimmer.step());
    expect(logged(storage)).toBeLessThanOrEqual(1000);
  });

  it('takes smaller steps where they take long', () => {
    const { clock, storage, trimmer } = setUp({ maxEntries: 1000 });
    change(storage, 2000);
    const { monotonic } = clock;
    clock.monotonic = () => {
      clock.advance(5);
      return monotonic.call(clock);
    };
    const left: number[] = [];
    while (trimmer.step()) left.push(logged(storage));
    expect(left.slice(0, 3)).toEqual([1900, 1800, 1700]);
  });

  it('forgets at which revision the writes of other nodes were executed, and not how far they have come', () => {
    const { clock, storage, trimmer } = setUp({ maxEntries: 1000 });
    for (let i = 0; i < 75; i++) {
      storage.transaction(() => {
        const revision = storage.revision + 1;
        for (let n = 0; n < 100; n++) {
          storage.changes.append(storage.nextRevision(), 1, ChangeKind.Key, `k${n}`);
        }
        const run = { revision, source: 's', sequence: 1 + i * 100, count: 100 };
        storage.sources.record([run], clock.now());
      });
    }
    while (trimmer.step());
    trimmer.step();

    // What the log of changes still tells of is known, and at most one run more than that.
    const known = storage.sources.between(0, 7500);
    expect(known[0]?.revision).toBeGreaterThan(6500 - 2 * MAX_RUN);
    expect(storage.sources.between(6500, 7500)).toHaveLength(11);
    expect(storage.sources.last('s')).toBe(7500);
  });

  it('holds the log within its age', () => {
    const { clock, storage, trimmer } = setUp({ maxAgeMs: HOUR });
    change(storage, 10);
    trimmer.step();
    clock.advance(HOUR / 2);
    change(storage, 5);
    trimmer.step();
    clock.advance(HOUR / 2 - 1);
    trimmer.step();
    expect(logged(storage)).toBe(15);
    clock.advance(1);
    trimmer.step();
    expect(logged(storage)).toBe(5);
  });

  it('leaves the last row, however old', () => {
    const { clock, storage, trimmer } = setUp({ maxAgeMs: HOUR, maxEntries: 1 });
    change(storage, 10);
    trimmer.step();
    clock.advance(1000 * HOUR);
    trimmer.step();
    expect([storage.changes.oldest(), storage.changes.head()]).toEqual([10, 10]);
  });

  it('writes down its head now and then, not at every step', () => {
    const { clock, storage, trimmer } = setUp({ maxAgeMs: HOUR });
    for (let i = 0; i < 100; i++) {
      change(storage, 1);
      clock.advance(100);
      trimmer.step();
    }
    clock.advance(HOUR - 10_000);
    // The head that was written down at first; those that follow within ten seconds were not.
    expect(storage.changes.headAt(clock.now() - HOUR + 9_999)).toBe(1);
  });

  describe('asked for room in a full file', () => {
    it('gives what is beyond an eighth of the file, some at a time', () => {
      const { storage, trimmer } = setUp({ maxFileBytes: 4 * 1024 * 1024 });
      change(storage, 20_000, 'x'.repeat(1000));
      expect(storage.size().usedBytes).toBeGreaterThan(16 * 1024 * 1024);
      expect(trimmer.reclaim()).toBe(true);
      expect(logged(storage)).toBe(19_500);
      while (trimmer.reclaim());
      expect(logged(storage)).toBeGreaterThan(200);
      expect(storage.size().usedBytes).toBeLessThan(1024 * 1024);
    });

    it('has none to give while it takes less', () => {
      const { storage, trimmer } = setUp({ maxFileBytes: 4 * 1024 * 1024 });
      expect(trimmer.reclaim()).toBe(false);
      change(storage, 5000);
      expect(trimmer.reclaim()).toBe(false);
      expect(logged(storage)).toBe(5000);
    });

    it('never gives the last row', () => {
      const { storage, trimmer } = setUp({ maxFileBytes: 1 });
      change(storage, 3);
      while (trimmer.reclaim());
      expect([storage.changes.oldest(), storage.changes.head()]).toEqual([3, 3]);
    });
  });
});
