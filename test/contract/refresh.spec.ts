import { beforeEach, describe, expect, it } from '@jest/globals';
import type { HyperCacheError } from '../../lib/common/errors.js';
import type {
  HyperCacheNode,
  NodeCache,
  NodeWrapOptions,
} from '../../lib/node/hyper-cache-node.js';
import { useDirectClusters } from '../support/clusters.js';
import { deferred } from '../support/deferred.js';
import { ENGINES } from '../support/engines.js';
import { eventually } from '../support/eventually.js';
import { ManualClock } from '../support/manual-clock.js';
import { useNodes } from '../support/nodes.js';

const TTL = 60_000;
const DUE = { ttl: TTL, refreshThreshold: TTL / 2 };

/** A factory, how often it was called, and what it returns when the test says so. */
function heldFactory() {
  const begun = deferred<void>();
  const made = deferred<string>();
  const factory = (): Promise<string> => {
    begun.resolve();
    return made.promise;
  };
  return { factory, begun: begun.promise, made };
}

/** A hit that is due, and what its refresh has come to. */
function refreshed(
  cache: NodeCache,
  factory: () => unknown,
  options: NodeWrapOptions = {},
): Promise<{ value: unknown; error: unknown }> {
  const ended = deferred<{ value: unknown; error: unknown }>();
  const onRefreshed = (_key: string, value: unknown, error: unknown): void =>
    ended.resolve({ value, error });
  void cache.wrap('key', factory, { ...DUE, ...options, onRefreshed });
  return ended.promise;
}

describe.each(ENGINES)('A refresh in the background, on %s', (_name, make) => {
  const start = useNodes(make);
  let clock: ManualClock;
  let node: HyperCacheNode;
  let cache: NodeCache;
  beforeEach(async () => {
    clock = new ManualClock();
    node = await start({ sweepInterval: 1 }, { clock });
    cache = node.cache('n');
    await cache.set('key', 'old', { ttl: TTL });
    clock.advance(TTL - 1000);
  });
  const fails = (): never => {
    throw new Error('the origin is down');
  };

  it('that outlives its entry is kept', async () => {
    const { factory, begun, made } = heldFactory();
    const ended = refreshed(cache, factory);
    await begun;
    clock.advance(2000);
    expect(await cache.get('key')).toBeUndefined();
    made.resolve('new');

    expect(await ended).toMatchObject({ value: 'new' });
    expect(await cache.get('key')).toBe('new');
  });

  it('that outlives its entry is what a miss waits for', async () => {
    const { factory, begun, made } = heldFactory();
    const ended = refreshed(cache, factory);
    await begun;
    clock.advance(2000);
    const missed = cache.wrap('key', () => 'never called');
    made.resolve('new');

    expect(await missed).toMatchObject({ value: 'new' });
    await ended;
    expect((await node.stats()).caches['n']).toMatchObject({ factories: 1, fillsRefused: 0 });
  });

  it('that outlives its entry in vain leaves a miss its own factory', async () => {
    const { factory, begun, made } = heldFactory();
    const ended = refreshed(cache, factory);
    await begun;
    clock.advance(2000);
    const missed = cache.wrap('key', () => 'of its own');
    made.reject(new Error('the origin is down'));

    expect(await missed).toMatchObject({ value: 'of its own' });
    await ended;
  });

  it('that outlives its entry gives way to a deletion after that', async () => {
    const { factory, begun, made } = heldFactory();
    const ended = refreshed(cache, factory);
    await begun;
    clock.advance(2000);
    await cache.delete('key');
    made.resolve('late');
    await ended;

    expect(await cache.get('key')).toBeUndefined();
  });

  it('that fails is tried again when `retryAfter` is over, not by each hit', async () => {
    const options = { ttl: TTL, refreshThreshold: TTL, retryAfter: 400 };
    const errors: HyperCacheError[] = [];
    node.on('error', ({ error }) => void errors.push(error));
    expect(await refreshed(cache, fails, options)).toMatchObject({ value: 'old' });
    let calls = 0;
    for (let i = 0; i < 5; i++) {
      expect(await cache.wrap('key', () => ++calls, options)).toMatchObject({ value: 'old' });
      await node.flush();
    }
    expect(calls).toBe(0);
    clock.advance(400);

    expect(await refreshed(cache, () => 'new', options)).toMatchObject({ value: 'new' });
    expect(errors).toMatchObject([{ code: 'HC_FACTORY_FAILED' }]);
  });

  it('is tried at once after a new value, and a miss calls the factory in any case', async () => {
    await refreshed(cache, fails);
    await cache.set('key', 'newer', { ttl: 500 });
    expect(await refreshed(cache, fails)).toMatchObject({ value: 'newer' });
    clock.advance(500);

    expect(await cache.wrap('key', () => 'made')).toMatchObject({ value: 'made' });
  });

  it.each([-1, NaN, '1'])('refuses a `retryAfter` of %s', async (retryAfter) => {
    const wrap = async (): Promise<unknown> =>
      cache.wrap('key', () => 1, { retryAfter } as NodeWrapOptions);

    await expect(wrap()).rejects.toMatchObject({ code: 'HC_ARGUMENT_INVALID' });
  });

  it('harms nobody when a listener throws', async () => {
    const told = deferred<HyperCacheError>();
    node.on('error', ({ error }) => told.resolve(error));
    await cache.wrap('key', () => 'new', {
      ...DUE,
      onRefreshed: () => {
        throw new Error('a listener');
      },
    });

    expect(await told.promise).toMatchObject({ cause: new Error('a listener') });
  });
});

describe('Refreshes of a cluster', () => {
  const clusters = useDirectClusters();

  async function startTwo() {
    const clock = new ManualClock();
    const primary = await clusters.primary({}, { clock });
    const { node, client } = await clusters.secondary(primary, {}, { clock });
    const first = primary.cache('n');
    const second = node.cache('n');
    await second.set('key', 'old', { ttl: TTL });
    clock.advance(TTL - 20_000);
    /** The second node has a hit that is due, and is told that nobody is to refresh it now. */
    const hitInVain = async (): Promise<void> => {
      const { exchanges } = client;
      let calls = 0;
      expect(await second.wrap('key', () => ++calls, DUE)).toMatchObject({ value: 'old' });
      await eventually(() => expect(client.exchanges).toBeGreaterThan(exchanges));
      await node.flush();
      expect(calls).toBe(0);
    };
    return { first, second, clock, hitInVain };
  }

  it('are one at a time', async () => {
    const { first, hitInVain } = await startTwo();
    const { factory, begun, made } = heldFactory();
    const ended = refreshed(first, factory);
    await begun;
    await hitInVain();
    made.resolve('new');

    expect(await ended).toMatchObject({ value: 'new' });
  });

  it('pause on all nodes when one of them has failed', async () => {
    const { first, second, clock, hitInVain } = await startTwo();
    await refreshed(first, () => Promise.reject(new Error('the origin is down')));
    await hitInVain();
    clock.advance(10_500);

    await eventually(async () => {
      // Who was told that another one is about it asks again after a second.
      clock.advance(100);
      await second.wrap('key', () => 'new', DUE);
      expect(await second.get('key')).toBe('new');
    });
  });
});
