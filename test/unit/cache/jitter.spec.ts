import { describe, expect, it } from '@jest/globals';
import { hyperCacheOn } from '../../support/hyper-caches.js';
import { ManualClock } from '../../support/manual-clock.js';
import { useNodes } from '../../support/nodes.js';

const ENTRIES = 10_000;
const TTL_MS = 1000;
const JITTER = 0.2;

/** Six standard deviations of how many of so many entries are in a tenth of the range. */
const MARGIN = 6 * Math.sqrt(ENTRIES * 0.1 * 0.9);

describe('jitter', () => {
  const start = useNodes();

  it('spreads 10,000 entries evenly over the end of the ttl, and lengthens none', async () => {
    const clock = new ManualClock();
    const cache = hyperCacheOn(await start({}, { clock }));
    const keys = Array.from({ length: ENTRIES }, (_, i) => `k${i}`);
    const policy = { ttl: TTL_MS, jitter: JITTER };
    await Promise.all(keys.map((key) => cache.wrap(key, () => 1, policy)));

    const ends = await Promise.all(keys.map((key) => cache.ttl(key)));
    const left = ends.map((at) => (at ?? 0) - clock.now());
    const shortest = TTL_MS * (1 - JITTER);
    expect(Math.min(...left)).toBeGreaterThanOrEqual(shortest);
    expect(Math.max(...left)).toBeLessThanOrEqual(TTL_MS);
    const tenths = Array<number>(10).fill(0);
    for (const ms of left) {
      // A deadline is a whole millisecond, the next one.
      const tenth = Math.floor(((ms - 1 - shortest) / (TTL_MS - shortest)) * 10);
      const at = Math.max(0, tenth);
      tenths[at] = (tenths[at] ?? 0) + 1;
    }
    for (const count of tenths) {
      expect(Math.abs(count - ENTRIES / 10)).toBeLessThan(MARGIN);
    }
  });
});
