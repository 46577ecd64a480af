import { beforeEach, describe, expect, it } from '@jest/globals';
import type { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import type { HyperCacheOptions } from '../../lib/node/options.js';
import type { MakeNode } from '../support/engine-under-test.js';
import { onEngines } from '../support/engines.js';
import { hyperCacheOn } from '../support/hyper-caches.js';
import { useSharedNode } from '../support/nodes.js';

interface User {
  name: string;
  roles: string[];
  address: { city: string };
}

const newUser = (): User => ({ name: 'Ada', roles: ['admin'], address: { city: 'London' } });

/** A cache of its own for each test, on one node. */
function useCache(options: HyperCacheOptions, make?: MakeNode): () => HyperCache {
  const node = useSharedNode(options, make);
  let cache: HyperCache;
  beforeEach(() => {
    cache = hyperCacheOn(node(), `cache-${expect.getState().currentTestName}`);
  });
  return () => cache;
}

/** The ways in which a caller gets an object from the cache. */
const READS: readonly [name: string, read: (cache: HyperCache) => Promise<User | undefined>][] = [
  ['get', (cache) => cache.get('user')],
  ['mget', async (cache) => (await cache.mget<User>(['user']))[0]],
  ['wrap', (cache) => cache.wrap('user', newUser)],
  ['getWithRevision', async (cache) => (await cache.getWithRevision<User>('user')).value],
];

function damage(user: User | undefined): void {
  if (user === undefined) throw new Error('There is no user.');
  user.name = 'Eve';
  user.roles.push('root');
  user.address.city = 'elsewhere';
}

const COPYING: readonly [name: string, options: HyperCacheOptions][] = [
  ["isolation 'copy'", {}],
  ["isolation 'copy', durability 'relaxed'", { durability: 'relaxed' }],
  ['without L1', { l1: false }],
  ["without L1, isolation 'freeze'", { l1: false, isolation: 'freeze' }],
];

describe.each(onEngines(COPYING))('%s', (_name, options, make) => {
  const cache = useCache(options, make);

  it('what the writer does to its object afterwards does not reach the cache', async () => {
    const user = newUser();
    const setting = cache().set('user', user);
    damage(user);
    await setting;

    await expect(cache().get('user')).resolves.toEqual(newUser());
  });

  it.each(READS)(
    'what a reader does to the result of %s reaches nobody else',
    async (_read, read) => {
      await cache().set('user', newUser());

      damage(await read(cache()));
      damage(await read(cache()));

      await expect(cache().get('user')).resolves.toEqual(newUser());
    },
  );

  it('what a reader does to a value that waits for its commit reaches nobody else', async () => {
    const setting = cache().set('user', newUser());
    damage(await cache().get<User>('user'));
    await setting;

    await expect(cache().get('user')).resolves.toEqual(newUser());
  });

  it('each of many callers of wrap has a copy of its own', async () => {
    const users = await Promise.all(
      Array.from({ length: 5 }, () => cache().wrap('user', async () => newUser())),
    );

    for (const user of users) {
      expect(user).toEqual(newUser());
      damage(user);
    }
    await expect(cache().get('user')).resolves.toEqual(newUser());
  });

  it('what the factory does to its object afterwards does not reach the cache', async () => {
    const user = newUser();
    const returned = await cache().wrap('user', () => user);

    damage(user);

    expect(returned).toEqual(newUser());
    await expect(cache().get('user')).resolves.toEqual(newUser());
  });

  it('Date, Map, Set and Buffer are copies too', async () => {
    const value = {
      at: new Date(0),
      map: new Map([['a', [1]]]),
      set: new Set([1]),
      bytes: Buffer.from([1, 2]),
    };
    await cache().set('key', value);

    const read = await cache().get<typeof value>('key');
    read?.at.setTime(1);
    read?.map.get('a')?.push(2);
    read?.set.clear();
    read?.bytes.fill(0);

    await expect(cache().get('key')).resolves.toEqual(value);
  });
});

describe("isolation 'freeze'", () => {
  const cache = useCache({ isolation: 'freeze' });

  it('returns one object, frozen in depth, to all readers', async () => {
    await cache().set('user', newUser());

    const first = await cache().get<User>('user');
    const second = await cache().get<User>('user');

    expect(first).toEqual(newUser());
    expect(second).toBe(first);
    expect(() => damage(first)).toThrow(TypeError);
    expect(() => first?.roles.push('root')).toThrow(TypeError);
    expect(Object.isFrozen(first?.address)).toBe(true);
  });

  it('returns the same object from wrap, to its first caller too', async () => {
    const [first, second] = await Promise.all([
      cache().wrap('user', async () => newUser()),
      cache().wrap('user', async () => newUser()),
    ]);

    expect(Object.isFrozen(first)).toBe(true);
    expect(second).toBe(first);
    await expect(cache().get('user')).resolves.toBe(first);
  });

  it('leaves the object of the writer alone', async () => {
    const user = newUser();
    await cache().set('user', user);

    damage(user);

    await expect(cache().get('user')).resolves.toEqual(newUser());
  });

  it.each([
    ['a Date', () => new Date(0), (value: Date) => value.setTime(1)],
    ['a Map', () => new Map([['a', 1]]), (value: Map<string, number>) => value.clear()],
    ['a Set', () => new Set([1]), (value: Set<number>) => value.clear()],
    ['a Buffer', () => Buffer.from([1, 2]), (value: Buffer) => value.fill(0)],
    ['a Uint8Array', () => Uint8Array.of(1, 2), (value: Uint8Array) => value.fill(0)],
  ])('copies %s, which cannot be frozen, wherever it stands', async (_type, create, change) => {
    await cache().mset([
      { key: 'itself', value: create() },
      { key: 'field', value: { inner: create() } },
      { key: 'item', value: [[create()]] },
    ]);

    change((await cache().get('itself')) as never);
    change((await cache().get<{ inner: unknown }>('field'))?.inner as never);
    change((await cache().get<unknown[][]>('item'))?.[0]?.[0] as never);

    await expect(cache().mget(['itself', 'field', 'item'])).resolves.toEqual([
      create(),
      { inner: create() },
      [[create()]],
    ]);
  });
});

describe("isolation 'share'", () => {
  const cache = useCache({ isolation: 'share' });

  it('returns one reference to all readers', async () => {
    await cache().set('user', newUser());

    const first = await cache().get<User>('user');

    expect(first).toEqual(newUser());
    await expect(cache().get('user')).resolves.toBe(first);
    await expect(cache().mget(['user'])).resolves.toEqual([first]);
    await expect(cache().wrap('user', newUser)).resolves.toBe(first);
  });

  it('returns the same reference from wrap, to its first caller too', async () => {
    const first = await cache().wrap('user', newUser);

    await expect(cache().wrap('user', newUser)).resolves.toBe(first);
    await expect(cache().get('user')).resolves.toBe(first);
  });

  it('still keeps its own copy of what the writer has', async () => {
    const user = newUser();
    await cache().set('user', user);

    damage(user);

    await expect(cache().get('user')).resolves.toEqual(newUser());
  });
});
