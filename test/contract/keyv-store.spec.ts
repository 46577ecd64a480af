import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Keyv } from 'keyv';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { HyperCacheKeyvStore } from '../../lib/keyv/hyper-cache-keyv-store.js';
import type { HyperCacheOptions } from '../../lib/node/options.js';
import { useTemporaryDirectories } from '../support/temporary-directory.js';

describe('HyperCacheKeyvStore', () => {
  const opened: HyperCacheKeyvStore[] = [];
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.disconnect();
  });
  const newDirectory = useTemporaryDirectories();
  let directory = '';
  beforeEach(() => {
    directory = newDirectory();
  });

  function createStore(options: HyperCacheOptions = {}): HyperCacheKeyvStore {
    const store = new HyperCacheKeyvStore({ sqlitePath: directory, logger: false, ...options });
    opened.push(store);
    return store;
  }

  const fileExists = (): boolean => existsSync(join(directory, 'hypercache.sqlite'));

  describe('with a file of its own', () => {
    it('opens it at the first operation', async () => {
      const store = createStore();
      expect(fileExists()).toBe(false);

      await store.get('key');

      expect(fileExists()).toBe(true);
    });

    it('opens it once for many first operations', async () => {
      const store = createStore();

      await Promise.all([store.set('a', 1), store.set('b', 2), store.get('a'), store.has('b')]);

      await expect(store.getMany(['a', 'b'])).resolves.toEqual([1, 2]);
    });

    it('closes it on disconnect, and opens it again when it is used again', async () => {
      const store = createStore();
      await store.set('key', 'value');
      await store.disconnect();
      await store.disconnect();

      const other = createStore();
      await expect(other.get('key')).resolves.toBe('value');
      await other.disconnect();

      await expect(store.get('key')).resolves.toBe('value');
    });

    it.each(['normal', 'relaxed'] as const)(
      "commits on disconnect what was begun before, with durability '%s'",
      async (durability) => {
        const store = createStore({ durability });
        const keys = Array.from({ length: 100 }, (_, i) => `key:${i}`);

        const first = Promise.all(keys.map((key) => store.set(key, 'first')));
        await store.disconnect();
        await expect(first).resolves.toEqual(keys.map(() => true));
        await expect(store.getMany(keys)).resolves.toEqual(keys.map(() => 'first'));

        const second = Promise.all(keys.map((key) => store.set(key, 'second')));
        await store.disconnect();
        await expect(second).resolves.toEqual(keys.map(() => true));
        await expect(store.getMany(keys)).resolves.toEqual(keys.map(() => 'second'));
      },
    );

    it('lets operations that come after disconnect wait for it', async () => {
      const store = createStore();
      await store.set('key', 'value');

      const [, value] = await Promise.all([store.disconnect(), store.get('key')]);

      expect(value).toBe('value');
    });

    it('tells at the first operation what is wrong with its options, and at the next again', async () => {
      const store = createStore({ ttl: -1 });

      await expect(store.get('key')).rejects.toMatchObject({ code: 'HC_OPTIONS_INVALID' });
      await expect(store.set('key', 1)).rejects.toMatchObject({ code: 'HC_OPTIONS_INVALID' });
      await store.disconnect();
    });

    it('is refused a file that another one has open, until that is closed', async () => {
      const first = createStore();
      const second = createStore();
      await first.set('key', 'value');

      await expect(second.get('key')).rejects.toMatchObject({ code: 'HC_FILE_IN_USE' });
      await first.disconnect();

      await expect(second.get('key')).resolves.toBe('value');
    });
  });

  describe('as an adapter', () => {
    it('takes and gives many at once, in order', async () => {
      const store = createStore();
      await store.setMany([
        { key: 'a', value: 1 },
        { key: 'b', value: 2, ttl: 60_000 },
        { key: 'c', value: 3, ttl: -1 },
      ]);

      await expect(store.getMany(['b', 'missing', 'c', 'a'])).resolves.toEqual([
        2,
        undefined,
        undefined,
        1,
      ]);
      await expect(store.hasMany(['b', 'missing', 'c', 'a'])).resolves.toEqual([
        true,
        false,
        false,
        true,
      ]);
      await expect(store.deleteMany(['a', 'missing'])).resolves.toBe(true);
      await expect(store.deleteMany(['a', 'missing'])).resolves.toBe(false);
    });

    it('deletes what is set to undefined', async () => {
      const store = createStore();
      await store.setMany(['a', 'b'].map((key) => ({ key, value: key as unknown })));

      await store.set('a', undefined);
      await store.setMany([{ key: 'b', value: undefined }]);

      await expect(store.hasMany(['a', 'b'])).resolves.toEqual([false, false]);
    });

    it('clears one namespace of Keyv, not those whose name begins alike', async () => {
      const store = createStore();
      await store.set('ns:key', 1);
      await store.set('ns2:key', 2);
      await store.set('ns', 3);
      Object.assign(store, { namespace: 'ns' });

      await store.clear();

      await expect(store.getMany(['ns:key', 'ns2:key', 'ns'])).resolves.toEqual([undefined, 2, 3]);
    });

    it('without a namespace clears and iterates everything', async () => {
      const store = createStore();
      await store.set('b:key', 2);
      await store.set('a', 1);
      const entries: unknown[] = [];
      for await (const entry of store.iterator()) entries.push(entry);

      await store.clear();

      expect(entries).toEqual([
        ['a', 1],
        ['b:key', 2],
      ]);
      await expect(store.hasMany(['a', 'b:key'])).resolves.toEqual([false, false]);
    });

    it('iterates over more than a page, and leaves out what expired', async () => {
      const store = createStore();
      const keys = Array.from({ length: 1201 }, (_, i) => `ns:${String(i).padStart(5, '0')}`);
      await store.setMany(keys.map((key, i) => ({ key, value: i, ttl: i % 2 === 0 ? 0 : -1 })));
      const found: string[] = [];

      for await (const [key] of store.iterator('ns')) found.push(key);

      expect(found).toEqual(keys.filter((_key, i) => i % 2 === 0));
    });
  });

  describe('under Keyv', () => {
    it('keeps its entries over a restart', async () => {
      const first = new Keyv({ store: createStore() });
      await first.set('key', { a: [1] }, 60_000);
      await first.disconnect();

      const second = new Keyv({ store: createStore() });

      await expect(second.get('key')).resolves.toEqual({ a: [1] });
    });

    it('fails as Keyv does: an event, and an error for those who ask for errors', async () => {
      const quiet = new Keyv({ store: createStore() });
      const loud = new Keyv({ store: opened[0], throwOnErrors: true });
      const events: unknown[] = [];
      quiet.on('error', (error: { code?: string }) => events.push(error.code));
      const tooLong = 'k'.repeat(2000);

      await expect(quiet.set(tooLong, 1)).resolves.toBe(false);
      await expect(loud.set(tooLong, 1)).rejects.toMatchObject({ code: 'HC_KEY_INVALID' });

      expect(events).toEqual(['HC_KEY_INVALID']);
    });
  });
});
