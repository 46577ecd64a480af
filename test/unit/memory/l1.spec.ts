import { describe, expect, it } from '@jest/globals';
import { L1 } from '../../../lib/memory/l1.js';
import { L1Budget } from '../../../lib/memory/l1-budget.js';
import { ManualClock } from '../../support/manual-clock.js';

const NEVER = Infinity;
const ENDLESS = { freshUntil: NEVER, expiresAt: NEVER };
const until = (expiresAt: number, freshUntil = expiresAt) => ({ freshUntil, expiresAt });

function setUp({ maxEntries = 1000, maxBytes = 1024 * 1024 } = {}) {
  const clock = new ManualClock();
  const budget = new L1Budget(maxEntries, maxBytes);
  const createL1 = (): L1 => new L1(budget, clock);
  return { clock, budget, createL1, l1: createL1() };
}

function fill(l1: L1, keys: Iterable<string | number>, valueBytes = 10): void {
  for (const key of keys) l1.set(`${key}`, `value of ${key}`, ENDLESS, valueBytes, false);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

/** Those of the keys that are held, looked up without marking them as visited. */
function held(l1: L1, keys: readonly number[]): number[] {
  return keys.filter((key) => l1.get(`${key}`) !== undefined);
}

describe('L1', () => {
  it('holds an entry until its deadline is reached, and drops it then', () => {
    const { clock, l1 } = setUp();
    l1.set('k', 'v', until(clock.now() + 100), 10, false);
    clock.advance(99);
    expect(l1.get('k')).toMatchObject({ value: 'v' });
    clock.advance(1);
    expect(l1.get('k')).toBeUndefined();
    expect(l1.size).toBe(0);
    expect(l1.bytes).toBe(0);
  });

  it('replaces value, deadline and size of an entry', () => {
    const { clock, budget, l1 } = setUp();
    l1.set('k', 'old', until(clock.now() + 1), 1000, false);
    l1.set('k', 'new', ENDLESS, 10, false);
    clock.advance(10);
    expect(l1.get('k')).toMatchObject({ value: 'new', expiresAt: NEVER });
    expect(l1.size).toBe(1);
    expect(l1.bytes).toBeLessThan(1000);
    expect(budget.bytes).toBe(l1.bytes);
  });

  it('counts keys, values and its own bookkeeping', () => {
    const { budget, l1 } = setUp();
    l1.set('key', 'v', ENDLESS, 500, false);
    expect(l1.bytes).toBeGreaterThan(500 + 2 * 3);
    l1.delete('key');
    l1.delete('key');
    expect([l1.size, l1.bytes, budget.entries, budget.bytes]).toEqual([0, 0, 0, 0]);
  });

  it('gives each caller a copy where it was told to, and the value itself where not', () => {
    const { l1 } = setUp();
    const value = { inner: [1] };
    l1.set('copied', value, ENDLESS, 10, true);
    l1.set('shared', value, ENDLESS, 10, false);
    expect(l1.read('copied')).toEqual(value);
    expect(l1.read('copied')).not.toBe(value);
    expect(l1.read('shared')).toBe(value);
    expect(l1.get('copied')?.value).toBe(value);
    expect(l1.read('missing')).toBeUndefined();

    l1.set('copied', value, ENDLESS, 10, false);
    expect(l1.read('copied')).toBe(value);
  });

  it('uses the place of an entry that is gone, however many come and go', () => {
    const { l1, budget } = setUp({ maxEntries: 500 });
    const rounds = range(0, 20);
    for (const round of rounds) {
      const keys = range(round * 300, round * 300 + 600);
      fill(l1, keys);
      for (const key of keys.filter((k) => k % 3 === 0)) l1.delete(`${key}`);
      expect(l1.size).toBe(held(l1, range(0, 10_000)).length);
    }
    for (const key of held(l1, range(0, 10_000))) {
      expect(l1.get(`${key}`)).toMatchObject({ value: `value of ${key}`, expiresAt: NEVER });
    }
    expect(budget.entries).toBe(l1.size);
    expect(budget.bytes).toBe(l1.bytes);
  });

  it('is empty after clear, and works on', () => {
    const { budget, l1 } = setUp({ maxEntries: 3 });
    fill(l1, [1, 2, 3]);
    l1.get('1');
    l1.clear();
    expect([l1.size, l1.bytes, budget.entries, budget.bytes]).toEqual([0, 0, 0, 0]);
    expect(l1.get('1')).toBeUndefined();
    fill(l1, range(0, 10));
    expect(l1.size).toBe(3);
  });

  it('keeps entries of the names that objects have', () => {
    const { l1 } = setUp();
    for (const key of ['__proto__', 'constructor']) expect(l1.get(key)).toBeUndefined();
    fill(l1, ['__proto__', 'constructor']);
    expect(l1.get('__proto__')?.value).toBe('value of __proto__');
  });

  describe('evicts by SIEVE', () => {
    it('the oldest entries first when none was read', () => {
      const { l1 } = setUp({ maxEntries: 5 });
      fill(l1, range(0, 8));
      expect(held(l1, range(0, 8))).toEqual([3, 4, 5, 6, 7]);
    });

    it('no entry that is read, however long the scan that passes by', () => {
      const { l1 } = setUp({ maxEntries: 100 });
      const hot = range(0, 30);
      fill(l1, hot);
      for (const scanned of range(1000, 11_000)) {
        if (scanned % 50 === 0) held(l1, hot);
        fill(l1, [scanned]);
      }
      expect(held(l1, hot)).toEqual(hot);
      expect(l1.size).toBe(100);
    });

    it('an entry that was read once, when the hand comes by for the second time', () => {
      const { l1 } = setUp({ maxEntries: 4 });
      fill(l1, [1, 2, 3, 4]);
      held(l1, [1, 2, 3, 4]);
      fill(l1, [5]);
      expect([1, 2, 3, 4].map((key) => l1.isHot(`${key}`))).toEqual([false, false, false, false]);
      fill(l1, [6, 7, 8, 9]);
      expect(held(l1, [1, 2, 3, 4])).toEqual([]);
    });

    it('correctly while the entry under the hand is deleted, first, last or between', () => {
      for (const gone of [1, 2, 3, 4, 5]) {
        const { l1, budget } = setUp({ maxEntries: 5 });
        fill(l1, [1, 2, 3, 4, 5]);
        l1.get('1');
        l1.get('2');
        fill(l1, [6]);
        l1.delete(`${gone}`);
        fill(l1, range(10, 30));
        expect(held(l1, range(0, 30))).toHaveLength(5);
        expect(budget.entries).toBe(5);
      }
    });
  });

  it('says which entries are hot', () => {
    const { l1 } = setUp();
    fill(l1, ['cold', 'hot']);
    l1.get('hot');
    expect(['cold', 'hot', 'missing'].map((key) => l1.isHot(key))).toEqual([false, true, false]);
  });
});

describe('L1Budget', () => {
  it('holds the bytes of all entries under its bound', () => {
    const { l1, budget } = setUp({ maxBytes: 100_000 });
    fill(l1, range(0, 1000), 1000);
    expect(budget.bytes).toBeLessThanOrEqual(100_000);
    expect(budget.bytes).toBeGreaterThan(80_000);
    expect(budget.evictions).toBe(1000 - l1.size);
    expect(budget.entries).toBe(l1.size);
  });

  it('makes room when an entry grows', () => {
    const { l1, budget } = setUp({ maxBytes: 100_000 });
    fill(l1, range(0, 80), 1000);
    l1.set('79', 'large', ENDLESS, 12_000, false);
    l1.set('78', 'large', ENDLESS, 12_000, false);
    expect(budget.bytes).toBeLessThanOrEqual(100_000);
    expect(l1.get('79')?.value).toBe('large');
  });

  it('does not hold an entry of more than an eighth, and drops the one it replaces', () => {
    const { l1, budget } = setUp({ maxBytes: 8000 });
    fill(l1, ['k', 'other']);
    l1.set('k', 'too large', ENDLESS, 1000, false);
    expect(l1.get('k')).toBeUndefined();
    expect(l1.get('other')).toBeDefined();
    expect(budget.entries).toBe(1);
  });

  it('is shared: the largest of several gives way', () => {
    const { createL1, budget } = setUp({ maxBytes: 100_000 });
    const [small, large] = [createL1(), createL1()];
    fill(small, range(0, 10), 1000);
    fill(large, range(0, 1000), 1000);
    expect(small.size).toBe(10);
    expect(small.bytes + large.bytes).toBe(budget.bytes);
    expect(budget.bytes).toBeLessThanOrEqual(100_000);
  });

  it('bounds the entries of several together', () => {
    const { createL1, budget } = setUp({ maxEntries: 10 });
    const members = [createL1(), createL1(), createL1()];
    for (const member of members) fill(member, range(0, 50));
    expect(members.reduce((sum, { size }) => sum + size, 0)).toBe(10);
    members[2]?.clear();
    expect(budget.entries).toBe(members.reduce((sum, { size }) => sum + size, 0));
  });

  it('of nothing holds nothing', () => {
    const { l1, budget } = setUp({ maxEntries: 0, maxBytes: 0 });
    fill(l1, [1, 2, 3]);
    expect([l1.size, budget.entries, budget.bytes]).toEqual([0, 0, 0]);
  });

  describe('gives tickets to reads on their way', () => {
    const CHANGES: readonly [name: string, change: (l1: L1) => void][] = [
      ['is written', (l1) => l1.set('k', 'own', ENDLESS, 10, false)],
      ['is written, too large to be held', (l1) => l1.set('k', 'own', ENDLESS, 2 ** 30, false)],
      ['is dropped', (l1) => l1.delete('k')],
      ['goes with all others', (l1) => l1.clear()],
    ];

    it.each(CHANGES)('which are void when the key %s', (_name, change) => {
      const { l1 } = setUp();
      const ticket = l1.ticket('k');
      change(l1);
      expect(l1.redeem('k', ticket)).toBe(false);
    });

    it('which are good once, whatever happens to other keys', () => {
      const { l1 } = setUp();
      const ticket = l1.ticket('k');
      l1.delete('other');
      expect(l1.redeem('k', ticket)).toBe(true);
      expect(l1.redeem('k', ticket)).toBe(false);
    });

    it('of which the last one of a key counts', () => {
      const { l1 } = setUp();
      const first = l1.ticket('k');
      const second = l1.ticket('k');
      expect(l1.redeem('k', first)).toBe(false);
      expect(l1.redeem('k', second)).toBe(true);
    });
  });

  describe('stale entries', () => {
    it('are missed and kept, and go when they are gone', () => {
      const { l1, clock } = setUp();
      l1.set('k', 'v', until(clock.now() + 30, clock.now() + 10), 10, false);
      expect([l1.read('k'), l1.stale('k')]).toEqual(['v', undefined]);
      clock.advance(10);
      expect([l1.read('k'), l1.get('k'), l1.size]).toEqual([undefined, undefined, 1]);
      expect(l1.stale('k')).toMatchObject({ value: 'v', expiresAt: clock.now() + 20 });
      clock.advance(20);
      expect(l1.stale('k')).toBeUndefined();
      expect([l1.read('k'), l1.size]).toEqual([undefined, 0]);
    });

    it('go before fresh ones that were not read either', () => {
      const { l1, clock } = setUp({ maxEntries: 4 });
      fill(l1, ['a', 'b']);
      l1.set('stale', 'v', until(clock.now() + 30, clock.now() + 10), 10, false);
      fill(l1, ['c']);
      clock.advance(10);
      fill(l1, ['d']);
      expect(l1.stale('stale')).toBeUndefined();
      expect(['a', 'b', 'c', 'd'].every((key) => l1.read(key) !== undefined)).toBe(true);
    });
  });
});
