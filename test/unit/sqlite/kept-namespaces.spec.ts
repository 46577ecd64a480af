import { describe, expect, it } from '@jest/globals';
import { keptNamespace } from '../../../lib/common/kept-namespace.js';
import { eventually } from '../../support/eventually.js';
import { useNodes } from '../../support/nodes.js';

describe('a namespace that is never evicted', () => {
  const startNode = useNodes();
  const MIB = 1024 * 1024;

  it('keeps its entries while all others go', async () => {
    const node = await startNode({ maxEntries: 1000, sweepInterval: 5 });
    const kept = node.cache(keptNamespace('money'));
    const others = node.cache('others');
    for (let i = 0; i < 700; i++) await kept.set(`${i}`, i);
    for (let i = 0; i < 2000; i++) await others.set(`${i}`, i);
    for (let i = 0; i < 700; i++) expect(await kept.get(`${i}`)).toBe(i);
    expect(await others.get('1999')).toBe(1999);
    await eventually(async () => expect((await node.stats()).l2.entries).toBeLessThanOrEqual(1000));
    expect((await node.stats()).l2.evicted).toBeGreaterThan(1000);
  });

  it('refuses what does not fit, and nothing else; there is room again when entries go', async () => {
    const node = await startNode({ maxSize: 4 * MIB, sweepInterval: 5 });
    const kept = node.cache(keptNamespace('money'));
    const others = node.cache('others');
    const value = 'x'.repeat(10_000);
    const outcomes: string[] = [];
    for (let i = 0; i < 500; i++) {
      const code = await kept.set(`${i}`, value).then(
        () => 'stored',
        (error: { code: string }) => error.code,
      );
      outcomes.push(code);
      // Others are written all the same, beside it and in the same transaction.
      const all = [others.set(`${i}`, value), kept.increment('n', 1).catch(() => 0)];
      await Promise.all(all);
      expect(await others.get(`${i}`)).toBe(value);
    }
    expect(new Set(outcomes)).toEqual(new Set(['stored', 'HC_STORAGE_FULL']));
    const stored = outcomes.flatMap((code, i) => (code === 'stored' ? [`${i}`] : []));
    for (const key of stored) expect(await kept.get(key)).toBe(value);
    expect((await node.stats()).l2.usedBytes).toBeLessThan(4.5 * MIB);
    expect(await kept.deletePrefix('')).toBeGreaterThan(0);
    await kept.set('again', value);
  });
});
