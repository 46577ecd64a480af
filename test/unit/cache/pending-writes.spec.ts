import { describe, expect, it } from '@jest/globals';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { PendingSet, PendingValue, PendingWrites } from '../../../lib/cache/pending-writes.js';
import { captureValue } from '../../../lib/value/capture.js';

describe('PendingWrites', () => {
  function setUp(names: readonly string[]) {
    const pending = new PendingWrites();
    const writes = names.map((value) => new PendingValue(value, Infinity));
    for (const write of writes) pending.put('key', write);
    const seen = (): unknown => pending.get('key')?.value;
    return { pending, writes, seen };
  }
  const at = <T>(items: readonly T[], i: number): T => {
    const found = items[i];
    if (found === undefined) throw new Error(`There is no item ${i}.`);
    return found;
  };

  it('show the last write of a key, until it is committed', () => {
    const { pending, writes, seen } = setUp(['first', 'second']);
    expect(seen()).toBe('second');
    pending.settle('key', at(writes, 0));
    expect(seen()).toBe('second');
    pending.settle('key', at(writes, 1));
    expect([seen(), pending.size]).toEqual([undefined, 0]);
  });

  it('show the last one that still waits, when later ones fail', () => {
    const { pending, writes, seen } = setUp(['first', 'second', 'third', 'fourth']);
    pending.abandon('key', at(writes, 1));
    expect(seen()).toBe('fourth');
    pending.abandon('key', at(writes, 3));
    expect(seen()).toBe('third');
    pending.abandon('key', at(writes, 2));
    expect(seen()).toBe('first');
    pending.settle('key', at(writes, 0));
    expect([seen(), pending.size]).toEqual([undefined, 0]);
  });

  it('show none that a committed one has followed', () => {
    const { pending, writes, seen } = setUp(['first', 'second', 'third']);
    pending.settle('key', at(writes, 1));
    pending.abandon('key', at(writes, 2));
    expect(seen()).toBeUndefined();
    pending.settle('key', at(writes, 0));
    expect(pending.size).toBe(0);
  });

  it('show none of before after the last one is committed', () => {
    const { pending, writes, seen } = setUp(['first', 'second']);
    pending.settle('key', at(writes, 1));
    expect(seen()).toBeUndefined();
    const later = new PendingValue('later', Infinity);
    pending.put('key', later);
    pending.abandon('key', later);
    expect([seen(), pending.size]).toEqual([undefined, 0]);
  });

  it('take no longer for a key the more of its writes wait', () => {
    const count = 200_000;
    const { pending, writes } = setUp(Array.from({ length: count }, String));
    for (const write of writes.slice(0, 100_000)) pending.settle('key', write);
    for (const write of writes.slice(100_000)) pending.abandon('key', write);
    expect(pending.size).toBe(0);
  });

  it('leave nothing to the collections of the old, once they are committed', () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const oldBytes = (): number =>
      getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')
        ?.space_used_size ?? NaN;
    const pending = new PendingWrites();
    const writeBatch = (n: number, between = (): void => undefined): void => {
      const batch = Array.from({ length: 10 }, (_, i) => {
        return { key: `${n} ${i}`, write: new PendingValue({ fields: [n, i] }, Infinity) };
      });
      for (const { key, write } of batch) pending.put(key, write);
      between();
      for (const { key, write } of batch) pending.settle(key, write);
    };
    // What the map consists of just now is old from here on.
    writeBatch(0, () => {
      collectGarbage();
      collectGarbage();
    });
    const before = oldBytes();
    for (let n = 1; n <= 20_000; n++) writeBatch(n);

    expect(oldBytes() - before).toBeLessThan(5 * 2 ** 20);
  });
});

describe('PendingSet', () => {
  it('is encoded once, however often its batch is taken, and takes no newer value over from then on', () => {
    let encoded = 0;
    const lifetime = { expiresAt: Infinity, freshUntil: Infinity };
    const owner = {
      encode: () => ++encoded,
      settled: () => undefined,
      abandoned: () => undefined,
    };
    const [first, newer] = [captureValue('first', 100), captureValue('newer', 100)];
    const set = new PendingSet('n', 'k', first, lifetime, [], 500, owner, undefined, undefined);
    expect(set.supersede(newer, lifetime)).toBe(true);

    const taken = set.command;

    expect(set.command).toBe(taken);
    expect(encoded).toBe(1);
    expect(set.supersede(first, lifetime)).toBe(false);
  });
});
