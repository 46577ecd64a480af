import { describe, expect, it } from '@jest/globals';
import { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import { WithLock } from '../../lib/nest/decorators/with-lock.decorator.js';
import { useSharedNode } from '../support/nodes.js';

type Call = (cache: HyperCache, options: never) => unknown;

const CALLS: readonly [name: string, call: Call][] = [
  ['set', (cache, options) => cache.set('key', 1, options)],
  ['add', (cache, options) => cache.add('key', 1, options)],
  ['setIf', (cache, options) => cache.setIf('key', 1, 0, options)],
  ['wrap', (cache, options) => cache.wrap('key', () => 1, options)],
  ['increment', (cache, options) => cache.increment('key', 1, options)],
  ['decrement', (cache, options) => cache.decrement('key', 1, options)],
  ['lock', (cache, options) => cache.lock('key', Object.assign({ ttl: 1000 }, options))],
  [
    'semaphore',
    (cache, options) => cache.semaphore('key', Object.assign({ ttl: 1000, limit: 1 }, options)),
  ],
  ['restoreLock', (cache, options) => cache.restoreLock('key', 'owner', options)],
  ['mset', (cache, options) => cache.mset([{ key: 'key', value: 1, ...(options as object) }])],
  ['WithLock', (_cache, options) => WithLock('key', Object.assign({ ttl: 1000 }, options))],
];

describe('The options of a call', () => {
  const node = useSharedNode();
  const cache = (): HyperCache => new HyperCache(node(), node().cache('call options'));

  it.each(CALLS)('of %s hold no field that there is not', async (name, call) => {
    await expect(async () => call(cache(), { ttll: 1000 } as never)).rejects.toMatchObject({
      code: 'HC_ARGUMENT_INVALID',
      message: expect.stringContaining(`${name}() has no option 'ttll'. Write ttl`),
    });
    await expect(async () => call(cache(), { colour: 'red' } as never)).rejects.toMatchObject({
      message: expect.stringContaining("has no option 'colour'. Remove it: there are "),
    });
    expect(await cache().has('key')).toBe(false);
  });

  it.each(CALLS.filter(([name]) => !/lock|semaphore/i.test(name)))(
    'of %s hold no negative ttl',
    async (_name, call) => {
      await expect(async () => call(cache(), { ttl: -1 } as never)).rejects.toMatchObject({
        code: 'HC_TTL_INVALID',
      });
      expect(await cache().has('key')).toBe(false);
    },
  );

  it('in the place of options a negative ttl is refused too', async () => {
    await expect(cache().set('key', 1, -1)).rejects.toMatchObject({ code: 'HC_TTL_INVALID' });
    await expect(cache().touch('key', -1)).rejects.toMatchObject({ code: 'HC_TTL_INVALID' });
  });

  it('an increment counts as a set', async () => {
    const counted = new HyperCache(node(), node().cache('counted'));
    await counted.increment('visits');
    await counted.increment('visits');

    const { caches } = await counted.stats();
    expect(caches['counted']?.sets).toBe(2);
  });
});
