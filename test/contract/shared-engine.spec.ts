import { describe, expect, it } from '@jest/globals';
import { systemClock } from '../../lib/common/clock.js';
import type { HyperCacheNode } from '../../lib/node/hyper-cache-node.js';
import { resolveOptions } from '../../lib/node/resolve-options.js';
import { useDirectClusters } from '../support/clusters.js';
import { deferred } from '../support/deferred.js';
import { MemoryServer } from '../support/memory-engine/memory-engine.js';
import { memoryNode } from '../support/memory-engine/memory-node.js';
import { useNodes } from '../support/nodes.js';
import { REDIS_ENGINES } from '../support/redis-engine.js';
import { useTemporaryDirectories } from '../support/temporary-directory.js';

type Pair = readonly [HyperCacheNode, HyperCacheNode];

const clusters = useDirectClusters();
const directory = useTemporaryDirectories();
const servers = REDIS_ENGINES.map(([name, make]) => [name, useNodes(make)] as const);

/** Two nodes that share their entries, on each engine. */
const PAIRS: readonly (readonly [name: string, create: () => Promise<Pair>])[] = [
  ['a primary and its secondary', () => cluster('feed')],
  ['a primary and its secondary without a replica', () => cluster('none')],
  ['an engine in memory', async () => inMemory(false)],
  ['a far engine in memory', async () => inMemory(true)],
  ...servers.map(([name, start]) => [name, () => onServer(start)] as const),
];

/** Nodes of one directory share their entries. */
async function onServer(start: ReturnType<typeof useNodes>): Promise<Pair> {
  const sqlitePath = directory();
  return [await start({ sqlitePath }), await start({ sqlitePath })];
}

async function cluster(replica: 'feed' | 'none'): Promise<Pair> {
  const primary = await clusters.primary();
  return [primary, (await clusters.secondary(primary, { replica })).node];
}

function inMemory(isFar: boolean): Pair {
  const server = new MemoryServer(systemClock);
  const create = (): HyperCacheNode => memoryNode(resolveOptions({}, {}), { isFar, server });
  return [create(), create()];
}

describe.each(PAIRS)('Nodes of one engine: %s', (_name, create) => {
  it('call one factory for all', async () => {
    const nodes = await create();
    let calls = 0;
    const factory = async (): Promise<number> => {
      await new Promise((resolve) => setImmediate(resolve));
      return ++calls;
    };

    const entries = await Promise.all(
      Array.from({ length: 200 }, (_, i) => nodes[i % 2]?.cache('n').wrap('key', factory)),
    );

    expect(new Set(entries.map((entry) => entry?.value))).toEqual(new Set([1]));
  });

  it('give way to what the other does during a factory', async () => {
    const [mine, other] = await create();
    const begun = deferred<void>();
    const made = deferred<string>();
    const wrapped = mine.cache('n').wrap('key', () => {
      begun.resolve();
      return made.promise;
    });
    await begun.promise;
    await other.cache('n').delete('key');
    made.resolve('old');

    expect(await wrapped).toMatchObject({ value: 'old' });
    expect(await mine.cache('n').get('key')).toBeUndefined();
    expect(await other.cache('n').get('key')).toBeUndefined();
  });
});

describe('A read on its way from a far engine', () => {
  it('is kept in memory', async () => {
    const [mine, other] = inMemory(true);
    await other.cache('n').set('key', 'value');

    expect(await mine.cache('n').get('key')).toBe('value');
    expect(mine.cache('n').get('key')).toBe('value');
    expect(await mine.cache('n').mget(['key', 'none'])).toEqual(['value', undefined]);
  });

  it.each([
    ['a set', (node: HyperCacheNode) => node.cache('n').set('key', 'new'), 'new'],
    ['a deletion', (node: HyperCacheNode) => node.cache('n').delete('key'), undefined],
    ['a clear', (node: HyperCacheNode) => node.cache('n').clear(), undefined],
  ])('is not when %s of another node has overtaken it', async (_what, change, after) => {
    const [mine, other] = inMemory(true);
    await other.cache('n').set('key', 'old');
    const reading = mine.cache('n').get('key');
    const changing = change(other);

    expect(await reading).toBe('old');
    await changing;
    expect(await mine.cache('n').get('key')).toBe(after);
  });
});
