import { describe, expect, it } from '@jest/globals';
import { Sweeper } from '../../../../lib/sqlite/maintenance/sweeper.js';
import { ManualClock } from '../../../support/manual-clock.js';
import { useDatabases, useStorages } from '../../../support/storages.js';

describe('Sweeper', () => {
  const openStorage = useStorages();
  const openDatabase = useDatabases();

  function setUp() {
    const clock = new ManualClock();
    const { storage, run } = openStorage({ clock });
    const database = openDatabase(storage.path);
    const count = (table: string): number =>
      Number(database.prepare(`SELECT count(*) FROM ${table}`).pluck().get());
    return {
      clock,
      storage,
      sweeper: new Sweeper(storage, clock),
      rows: () => count('entries'),
      tagRows: () => count('tags'),
      put: (key: string, ttl = Infinity, tags: string[] = [], namespace = 'n') => {
        const expiresAt = clock.now() + ttl;
        run<'set'>({ kind: 'set', namespace, key, value: 'v', expiresAt, tags });
      },
      remove: (key: string) => run<'delete'>({ kind: 'delete', namespace: 'n', key }),
      clear: (namespace = 'n') => run<'clear'>({ kind: 'clear', namespace }),
    };
  }

  /** One round over everything: as many steps as it takes with a rest after each. */
  function sweepAll(sweeper: Sweeper, rounds = 50): void {
    for (let i = 0; i < rounds; i++) sweeper.step();
  }

  it('removes no more in one step than the time allows, and goes on from there', () => {
    const { clock, sweeper, put, clear, rows } = setUp();
    const steps = (): number[] => {
      const left: number[] = [];
      for (let i = 0; i < 100 && rows() > 0; i++) {
        sweeper.step();
        left.push(rows());
      }
      return left;
    };
    for (let i = 0; i < 60; i++) put(`k${i}`, 10);
    clock.advance(10);
    // As on a machine on which whatever is done between two looks at the clock takes 2 ms.
    const { monotonic } = clock;
    clock.monotonic = () => {
      clock.advance(2);
      return monotonic.call(clock);
    };

    const byTwo = (from: number): number[] =>
      Array.from({ length: from / 2 + 1 }, (_, i) => from - 2 * i);
    expect(steps().filter((left, i, all) => left !== all[i - 1])).toEqual(byTwo(60));
    for (let i = 0; i < 30; i++) put(`k${i}`);
    clear();
    expect(steps()).toEqual(byTwo(28));
  });

  it('rests when there is nothing to do', () => {
    const { sweeper } = setUp();
    sweeper.step();
    expect(sweeper.step()).toBe(false);
  });

  describe('of expired entries', () => {
    it('removes them, and no others, from the deadline on', () => {
      const { clock, sweeper, put, rows, storage } = setUp();
      put('never');
      put('later', 1000);
      put('soon', 10);
      sweepAll(sweeper);
      expect(rows()).toBe(3);
      clock.advance(10);
      sweepAll(sweeper);
      expect(rows()).toBe(2);
      expect(sweeper.swept).toBe(1);
      expect(storage.counts.total).toBe(2);
    });

    it('is no change: the log and the revision stay', () => {
      const { clock, sweeper, put, storage } = setUp();
      put('k', 10);
      clock.advance(10);
      const { revision } = storage;
      sweepAll(sweeper);
      expect([storage.revision, storage.changes.head()]).toEqual([revision, revision]);
    });

    it('goes on at once while there is much to do, at most 300 in a step', () => {
      const { clock, sweeper, put, rows } = setUp();
      for (let i = 0; i < 2000; i++) put(`k${i}`, i % 2 === 0 ? 10 : Infinity);
      clock.advance(10);
      sweeper.step();
      let before = rows();
      while (sweeper.step()) {
        expect(before - rows()).toBeLessThanOrEqual(300);
        before = rows();
      }
      sweepAll(sweeper);
      expect(rows()).toBe(1000);
      expect(sweeper.swept).toBe(1000);
    });

    it('finds the few among many within a few rounds', () => {
      const { clock, sweeper, put, rows } = setUp();
      for (let i = 0; i < 5000; i++) put(`k${i}`, i % 1000 === 999 ? 10 : Infinity);
      clock.advance(10);
      sweepAll(sweeper, 40);
      expect(rows()).toBe(4995);
    });

    it('finds those that expire behind it in the next round', () => {
      const { clock, sweeper, put, rows } = setUp();
      for (let i = 0; i < 1500; i++) put(`k${i}`, i < 10 ? 1000 : Infinity);
      sweeper.step();
      sweeper.step();
      clock.advance(1000);
      sweepAll(sweeper);
      expect(rows()).toBe(1490);
    });

    it('takes their tags along', () => {
      const { clock, sweeper, put, tagRows } = setUp();
      put('k', 10, ['a', 'b']);
      put('stays', 1000, ['a']);
      clock.advance(10);
      sweepAll(sweeper);
      expect(tagRows()).toBe(1);
    });
  });

  describe('of cleared namespaces', () => {
    it('removes their rows in steps, and leaves what was written since', () => {
      const { sweeper, put, clear, rows, storage } = setUp();
      for (let i = 0; i < 1000; i++) put(`k${i}`, Infinity, i < 100 ? ['t'] : []);
      put('k', Infinity, [], 'other');
      clear();
      put('new');
      let before = rows();
      expect(before).toBe(1002);
      while (sweeper.step()) {
        expect(before - rows()).toBeLessThanOrEqual(300);
        before = rows();
      }
      expect(rows()).toBe(2);
      expect(storage.counts.total).toBe(2);
      expect(storage.namespaces.firstCleared()).toBeUndefined();
    });

    it('comes to the end of several, cleared more than once', () => {
      const { sweeper, put, clear, rows, tagRows } = setUp();
      for (let i = 0; i < 5; i++) {
        for (const namespace of ['n', 'm']) {
          put('k', Infinity, ['t'], namespace);
          clear(namespace);
        }
      }
      put('last');
      sweepAll(sweeper);
      expect([rows(), tagRows()]).toEqual([1, 0]);
    });
  });

  describe('of tags', () => {
    it('collects those of earlier lives of entries, and keeps those that count', () => {
      const { sweeper, put, remove, tagRows } = setUp();
      for (let i = 0; i < 700; i++) {
        put(`overwritten ${i}`, Infinity, ['a', 'b']);
        put(`overwritten ${i}`);
      }
      put('deleted', Infinity, ['a']);
      put('deleted');
      remove('deleted');
      put('kept', Infinity, ['a', 'b']);
      expect(tagRows()).toBe(1403);
      sweepAll(sweeper);
      expect(tagRows()).toBe(2);
    });

    it('finds those that become stale later', () => {
      const { sweeper, put, tagRows } = setUp();
      put('k', Infinity, ['a']);
      sweepAll(sweeper);
      put('k');
      sweepAll(sweeper);
      expect(tagRows()).toBe(0);
    });
  });
});
