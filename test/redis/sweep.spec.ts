import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '../support/manual-clock.js';
import { useNodes } from '../support/nodes.js';
import { REDIS_ENGINES, serverOf } from '../support/redis-engine.js';

const SWEEP_MS = 30_000;
const TAG_GRACE_MS = 300_000;

describe.each([...REDIS_ENGINES])('The sweep of %s', (program, make) => {
  const start = useNodes(make);
  const keysWith = (part: string): string[] =>
    serverOf(program)
      .cli('--scan', '--pattern', `*${part}*`)
      .split('\n')
      .filter((key) => key !== '');

  it('removes an entry that the server may not evict, once it has ended', async () => {
    const clock = new ManualClock();
    const node = await start({}, { clock });
    const cache = node.cache('kept:sweep-1');
    await cache.set('short', 1, { ttl: 1000 });
    await cache.set('long', 1, { ttl: 10 * SWEEP_MS });
    await cache.increment('counter', 1, { ttl: 1000 });
    clock.advance(SWEEP_MS);

    await node.runDue();

    expect(keysWith('sweep-1:0?}:e:')).toHaveLength(1);
    expect(await cache.get('long')).toBe(1);
    expect(await cache.get('counter')).toBeUndefined();
  });

  it('spares one that was given a new deadline', async () => {
    const clock = new ManualClock();
    const node = await start({}, { clock });
    const cache = node.cache('kept:sweep-2');
    await cache.set('key', 1, { ttl: 1000 });
    await cache.touch('key', 10 * SWEEP_MS);
    clock.advance(SWEEP_MS);

    await node.runDue();

    expect(await cache.get('key')).toBe(1);
  });

  it('forgets a tag some time after its last entry', async () => {
    const clock = new ManualClock();
    const node = await start({}, { clock });
    const cache = node.cache('sweep-3');
    await cache.set('key', 1, { ttl: 1000, tags: ['old'] });
    await cache.set('other', 1, { ttl: 10 * TAG_GRACE_MS, tags: ['young'] });
    clock.advance(TAG_GRACE_MS + SWEEP_MS);

    await node.runDue();

    expect(keysWith('sweep-3:0?}:[ts]:').toSorted()).toEqual([
      expect.stringMatching(/s:young$/),
      expect.stringMatching(/t:young$/),
    ]);
    expect(await cache.get('other')).toBe(1);
  });
});
