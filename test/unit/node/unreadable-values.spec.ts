import { describe, expect, it } from '@jest/globals';
import { HyperCacheError } from '../../../lib/common/errors.js';
import type { HyperCacheNode, NodeCache } from '../../../lib/node/hyper-cache-node.js';
import { RequestKind } from '../../../lib/cluster/wire/exchange.js';
import { pack } from '../../../lib/cluster/wire/wire.js';
import { useDirectClusters } from '../../support/clusters.js';

const SECRET = 'secret-of-the-application';

/** What a disk, or a node that errs, may make of a value. */
const DAMAGED: readonly (readonly [what: string, bytes: Buffer | string])[] = [
  ['a value and something behind it', Buffer.concat([pack([SECRET]), Buffer.from([0])])],
  ['half a value', pack([SECRET]).subarray(0, 10)],
  ['an extension that nobody knows', Buffer.from([0xd4, 150, 0])],
  ['a list that promises gigabytes', Buffer.from('ddffffffff', 'hex')],
  ['a list that holds itself', Buffer.from('d6690000000191d67000000001', 'hex')],
  ['JSON that ends too early', `\n{"a":"${SECRET}`],
  ['JSON that would change all objects', '\n{"__proto__":{"polluted":1}}'],
  ['an escaped value of half a list', Buffer.from('c192', 'hex')],
];

describe.each(DAMAGED)('A stored value that is %s', (_what, bytes) => {
  const clusters = useDirectClusters();

  async function start(): Promise<{
    primary: HyperCacheNode;
    cache: NodeCache;
    errors: HyperCacheError[];
  }> {
    const primary = await clusters.primary();
    const cache = primary.cache('default');
    const errors: HyperCacheError[] = [];
    primary.on('error', ({ error }) => void errors.push(error));
    const set = [0, 'default', 'key', bytes, Infinity, []];
    await primary.sync?.exchange(pack([RequestKind.Commands, -1, [set], 'sender', 1]));
    return { primary, cache, errors };
  }

  it('is a miss, and told without its content', async () => {
    const { cache, errors } = await start();

    expect(await cache.get('key')).toBeUndefined();

    expect(errors).toMatchObject([{ code: 'HC_VALUE_UNREADABLE' }]);
    expect(String(errors[0]?.stack) + String(errors[0]?.cause)).not.toContain(SECRET);
  });

  it('is made anew', async () => {
    const { cache } = await start();

    expect(await cache.wrap('key', () => 'new')).toMatchObject({ value: 'new' });
    expect(await cache.get('key')).toBe('new');
  });

  it('is pulled by a typed error, and gone', async () => {
    const { cache } = await start();

    const failure: unknown = await cache.pull('key').catch((error: unknown) => error);

    expect(failure).toBeInstanceOf(HyperCacheError);
    expect(failure).toMatchObject({ code: 'HC_VALUE_UNREADABLE' });
    expect(String(Object(failure).stack)).not.toContain(SECRET);
    expect(await cache.pull('key')).toBeUndefined();
  });

  it.each(['none', 'feed'] as const)(
    "is left out of a listing, with replica '%s'",
    async (replica) => {
      const { primary } = await start();
      await primary.cache('default').set('sound', 1);
      const { node, cache } = await clusters.secondary(primary, { replica });
      const errors: HyperCacheError[] = [];
      node.on('error', ({ error }) => void errors.push(error));

      const listed: unknown[] = [];
      for await (const entry of cache.entries()) listed.push(entry);

      expect(listed).toEqual([['sound', 1]]);
      expect(errors).toMatchObject([{ code: 'HC_VALUE_UNREADABLE' }]);
    },
  );
});
