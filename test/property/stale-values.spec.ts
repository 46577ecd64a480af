import { describe, expect, it } from '@jest/globals';
import type { HyperCacheNode, NodeCache } from '../../lib/node/hyper-cache-node.js';
import { useDirectClusters } from '../support/clusters.js';
import { eventually } from '../support/eventually.js';
import fc from '../support/fast-check.js';
import { ManualClock } from '../support/manual-clock.js';

const POLICY = { ttl: 100, grace: 300, retryAfter: 50 };
const KEPT = { ttl: 100, grace: 300 };
const KEYS = ['a', 'b'];
const down = new Error('the origin is down');

/** What the newest value of a key is, since when it is stale, and until when it may be served. */
interface Known {
  readonly value: number;
  freshUntil: number;
  readonly expiresAt: number;
}

const step = fc.record({
  verb: fc.constantFrom('set', 'del', 'clear', 'expire', 'get', 'wrap', 'fail', 'pass'),
  node: fc.constantFrom(0, 1),
  key: fc.constantFrom(...KEYS),
  ms: fc.integer({ min: 1, max: 150 }),
});

describe('Stale values on two nodes', () => {
  const clusters = useDirectClusters();

  function level(nodes: readonly HyperCacheNode[]): Promise<void> {
    return eventually(async () => {
      const revisions = await Promise.all(nodes.map(async (node) => (await node.stats()).revision));
      expect(new Set(revisions).size).toBe(1);
    });
  }

  it('are those of a model of fresh, stale and gone, whatever is called', async () => {
    const clock = new ManualClock();
    const primary = await clusters.primary({}, { clock });
    const { node } = await clusters.secondary(primary, {}, { clock });
    const nodes = [primary, node];
    let runs = 0;
    let made = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 20 }), async (steps) => {
        const namespace = `run-${runs++}`;
        const model = new Map<string, Known>();
        const keep = (key: string, value: number): void => {
          const freshUntil = clock.now() + KEPT.ttl;
          model.set(key, { value, freshUntil, expiresAt: freshUntil + KEPT.grace });
        };
        const isFresh = (known: Known | undefined): known is Known =>
          known !== undefined && clock.now() < known.freshUntil;
        const isKept = (known: Known | undefined): known is Known =>
          known !== undefined &&
          clock.now() < Math.min(known.freshUntil + KEPT.grace, known.expiresAt);
        for (const { verb, node: at, key, ms } of steps) {
          const cache = nodes[at]?.cache(namespace) as NodeCache;
          const known = model.get(key);
          if (verb === 'pass') clock.advance(ms);
          else if (verb === 'set') {
            await cache.set(key, ++made, KEPT);
            keep(key, made);
          } else if (verb === 'del') {
            await cache.delete(key);
            model.delete(key);
          } else if (verb === 'clear') {
            await cache.clear();
            model.clear();
          } else if (verb === 'expire') {
            expect(await cache.expire(key)).toBe(isFresh(known));
            if (isFresh(known)) known.freshUntil = clock.now();
          } else if (verb === 'get') {
            expect(await cache.get(key)).toBe(isFresh(known) ? known.value : undefined);
          } else if (verb === 'fail') {
            const served = cache.wrap(key, () => Promise.reject(down), POLICY);
            if (isKept(known)) expect(await served).toMatchObject({ value: known.value });
            else await expect(served).rejects.toBe(down);
          } else {
            const next = ++made;
            const { value, layer } = await cache.wrap(key, () => next, POLICY);
            if (layer === 'factory') {
              expect(isFresh(known)).toBe(false);
              keep(key, next);
            } else expect([value, isKept(known)]).toEqual([known?.value, true]);
          }
          await level(nodes);
        }
      }),
      { numRuns: 15 },
    );
  });
});
