import { describe, expect, it } from '@jest/globals';
import { HyperCacheError } from '../../../lib/common/errors.js';
import { pack } from '../../../lib/cluster/wire/wire.js';
import type { HyperCacheNode } from '../../../lib/node/hyper-cache-node.js';
import { useDirectClusters } from '../../support/clusters.js';
import { eventually } from '../../support/eventually.js';

const AT = ['f'.repeat(32), 1, 1] as const;
/** What answers of a request may turn out to be. */
const NONSENSE: readonly [name: string, bytes: Buffer][] = [
  ['nothing', Buffer.alloc(0)],
  ['no MessagePack', Buffer.from([0xc1, 0xff])],
  ['no list', pack('text')],
  ['an empty list', pack([])],
  ['no numbers', pack(['a', 'b', 'c', 'd', 'e'])],
  ['no history', pack([null, 1, 1, [], null])],
  ['no outcomes', pack([...AT, null, null])],
  ['an outcome that is nothing', pack([...AT, [null], null])],
  ['an outcome that is a number', pack([...AT, [7], null])],
  ['changes that are none', pack([...AT, [{ stored: true, revision: 1 }], [1, 2, 3]])],
  ['answers that are none', pack([...AT, 1, [7]])],
  ['a list in an answer', pack([...AT, 1, [[[[]], 1]]])],
];

function answering(primary: HyperCacheNode, answer: () => Buffer | undefined) {
  const { sync } = primary;
  if (sync === undefined) throw new Error('A primary offers it.');
  return {
    feed: sync.feed.bind(sync),
    wait: sync.wait.bind(sync),
    exchange: async (request: Buffer) => answer() ?? sync.exchange(request),
  };
}

describe.each(NONSENSE)('a primary that answers %s', (_name, bytes) => {
  const clusters = useDirectClusters();

  it('is told of by a typed error, whatever was asked', async () => {
    const primary = await clusters.primary();
    const { node, cache, client } = await clusters.secondary(primary, {
      replica: 'none',
      timeout: 300,
    });
    const errors: HyperCacheError[] = [];
    node.on('error', ({ error }) => errors.push(error));
    client.endpoint = answering(primary, () => bytes);

    const asked: Record<string, () => unknown> = {
      set: () => cache.set('a', 1),
      increment: () => cache.increment('n', 1),
      clear: () => cache.clear(),
      keys: () => cache.keys('').next(),
      entries: () => cache.entries().next(),
      locks: () => node.locks.list(),
      lock: () => node.locks.lock('l', { ttl: 1000 }).acquire({ wait: 0 }),
    };
    const codes: Record<string, unknown> = {};
    for (const [name, ask] of Object.entries(asked)) {
      codes[name] = await Promise.resolve(ask()).then(
        () => 'done',
        (error: unknown) => (error instanceof HyperCacheError ? error.code : error),
      );
    }
    const expected = Object.keys(asked).map((name) => [name, 'HC_PRIMARY_MISMATCH']);
    expect(codes).toEqual(Object.fromEntries(expected));
    // Reads fail open.
    await expect(Promise.resolve(cache.get('a'))).resolves.toBeUndefined();
    expect(errors.map(({ code }) => code)).toContain('HC_PRIMARY_MISMATCH');
    client.endpoint = primary.sync;
    await eventually(() => cache.set('a', 2));
    expect(await primary.cache('default').get('a')).toBe(2);
  });

  it('gets what was accepted when it is itself again', async () => {
    const primary = await clusters.primary();
    const secondary = await clusters.secondary(primary, { asyncRequests: true });
    const { node, cache, client } = secondary;
    let times = 0;
    client.endpoint = answering(primary, () => (times++ < 3 ? bytes : undefined));
    await cache.set('a', 1);
    await node.flush();

    expect(times).toBeGreaterThan(3);
    expect(node.deadLetters(10)).toEqual([]);
    expect(await primary.cache('default').get('a')).toBe(1);
  });
});
