import { afterEach, describe, expect, it } from '@jest/globals';
import { Keyv } from 'keyv';
import { Keyv as Keyv6 } from 'keyv-6';
import type { HyperCacheKeyvStore } from '../../lib/keyv/hyper-cache-keyv-store.js';
import { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import { useSharedNode } from '../support/nodes.js';

const VERSIONS = [
  ['Keyv 5', Keyv],
  ['Keyv 6', Keyv6 as unknown as typeof Keyv],
] as const;

async function keysOf(keyv: Keyv): Promise<unknown[]> {
  const keys: unknown[] = [];
  for await (const [key] of keyv.iterator?.(undefined) ?? []) keys.push(key);
  return keys;
}

describe('keyvStore()', () => {
  const node = useSharedNode();
  const createStore = (): HyperCacheKeyvStore =>
    new HyperCache(node(), node().cache('keyv')).keyvStore();
  afterEach(() => node().cache('keyv').clear());

  describe.each(VERSIONS)('of %s', (_version, Version) => {
    it.each([
      ['a', 'b'],
      ['a', 'ab'],
      ['user_%', 'userX1'],
    ])('keeps the namespaces %s and %s apart', async (first, second) => {
      const a = new Version({ store: createStore(), namespace: first });
      const b = new Version({ store: createStore(), namespace: second });
      await a.set('k', 'of a');
      await b.set('k', 'of b');

      expect(await a.get('k')).toBe('of a');
      expect(await keysOf(b)).toEqual(['k']);
      await b.clear();
      expect(await b.get('k')).toBeUndefined();
      expect(await a.get('k')).toBe('of a');
      await a.clear();
      expect(await a.get('k')).toBeUndefined();
    });

    it('clears and iterates over more than a page of its namespace', async () => {
      const a = new Version({ store: createStore(), namespace: 'a' });
      const b = new Version({ store: createStore(), namespace: 'b' });
      const keys = Array.from({ length: 1201 }, (_, i) => `k${String(i).padStart(5, '0')}`);
      await a.setMany(keys.map((key) => ({ key, value: key })));
      await b.set('k', 'of b');

      expect(await keysOf(a)).toEqual(keys);
      await a.clear();
      expect(await keysOf(a)).toEqual([]);
      expect(await keysOf(b)).toEqual(['k']);
      await b.clear();
    });
  });

  it.each<object>([{ useKeyPrefix: false }, { namespace: undefined, useKeyPrefix: false }])(
    'iterates over and clears what Keyv 5 holds with %p',
    async (options) => {
      const keyv = new Keyv({ store: createStore(), ...options });
      await keyv.set('one', 1);

      expect(await keysOf(keyv)).toEqual(['one']);
      await keyv.clear();
      expect(await keyv.get('one')).toBeUndefined();
    },
  );

  it('refuses to clear or iterate for two Keyv 5 on one store: it cannot tell which one asks', async () => {
    const refused = {
      code: 'HC_ARGUMENT_INVALID',
      message: expect.stringContaining('its own store'),
    };
    const store = createStore();
    const a = new Keyv({ store, namespace: 'a' });
    const b = new Keyv({ store, namespace: 'b' });
    await a.set('k', 'of a');
    await b.set('k', 'of b');

    const errors: unknown[] = [];
    a.on('error', (error) => errors.push(error));

    await a.clear();

    expect(errors).toEqual([expect.objectContaining(refused)]);
    await expect(keysOf(a)).rejects.toMatchObject(refused);
    expect(await a.get('k')).toBe('of a');
    expect(await b.get('k')).toBe('of b');
  });
});
