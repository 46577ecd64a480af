import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { HyperCacheError } from '../../lib/common/errors.js';
import type { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import type { HyperCacheNode } from '../../lib/node/hyper-cache-node.js';
import { deferred } from '../support/deferred.js';
import { ENGINES, LOCAL_ENGINES } from '../support/engines.js';
import { hyperCacheOn } from '../support/hyper-caches.js';
import { useNodes } from '../support/nodes.js';

const CIRCULAR = { code: 'HC_ARGUMENT_INVALID', message: expect.stringContaining('itself') };

/** How a factory comes to wrap a key again. */
const WAYS: readonly [name: string, way: (wrap: () => Promise<unknown>) => unknown][] = [
  ['at once', (wrap) => wrap()],
  ['after an await', async (wrap) => [await nextTurn(), await wrap()]],
  ['in a callback', (wrap) => new Promise((resolve) => setImmediate(() => resolve(wrap())))],
  ['among others', (wrap) => Promise.all([nextTurn(), wrap()])],
];

describe.each(ENGINES)('A factory that waits for itself, on %s', (_name, make) => {
  const start = useNodes(make);
  let node: HyperCacheNode;
  let cache: HyperCache;
  beforeEach(async () => {
    node = await start();
    cache = hyperCacheOn(node);
  });

  it.each(WAYS)('is refused: %s', async (_way, way) => {
    await expect(
      cache.wrap('key', () => way(() => cache.wrap('key', () => 1))),
    ).rejects.toMatchObject(CIRCULAR);
    await expect(cache.wrap('key', () => 2)).resolves.toBe(2);
  });

  it.each(WAYS)('is refused by way of another key: %s', async (_way, way) => {
    const other = hyperCacheOn(node, 'other');
    const wrapped = cache.wrap('key', () =>
      other.wrap('key', () => way(() => cache.wrap('key', () => 1))),
    );

    await expect(wrapped).rejects.toMatchObject(CIRCULAR);
    await expect(other.wrap('key', () => 2)).resolves.toBe(2);
  });

  it('is refused when it has deleted its key before', async () => {
    const wrapped = cache.wrap('key', async () => {
      await cache.del('key');
      return cache.wrap('key', () => 1);
    });

    await expect(wrapped).rejects.toMatchObject(CIRCULAR);
  });

  it('is refused when two wait for each other', async () => {
    const both = deferred<void>();
    const first = cache.wrap('a', async () => {
      await both.promise;
      return cache.wrap('b', () => 1);
    });
    const second = cache.wrap('b', async () => {
      both.resolve();
      await nextTurn();
      return cache.wrap('a', () => 2);
    });

    const results = await Promise.allSettled([first, second]);
    expect(results.map(({ status }) => status)).toContain('rejected');
    await expect(cache.wrap('c', () => 3)).resolves.toBe(3);
  });

  it('is not one that wraps other keys, or waits where somebody else waits for it', async () => {
    const inner = jest.fn(async () => {
      await nextTurn();
      return 'inner';
    });
    const outer = (key: string) => cache.wrap(key, () => cache.wrap('inner', inner));

    await expect(Promise.all([outer('a'), outer('b')])).resolves.toEqual(['inner', 'inner']);
    expect(inner).toHaveBeenCalledTimes(1);
  });

  it('is not one that has ended, whatever its timers still do', async () => {
    const busy = deferred<void>();
    const other = cache.wrap('other', () => busy.promise);
    const later = deferred<unknown>();
    const wrapped = cache.wrap('key', async () => {
      setTimeout(() => later.resolve(cache.del('key').then(() => cache.wrap('key', () => 2))), 5);
      return 1;
    });

    await expect(wrapped).resolves.toBe(1);
    await expect(later.promise).resolves.toBe(2);
    busy.resolve();
    await other;
  });

  it('is not what a hit within it is', async () => {
    await cache.set('key', 'there');

    await expect(cache.wrap('other', () => cache.wrap('key', () => 1))).resolves.toBe('there');
  });
});

// Timers that stand still would end the connection of the others.
describe.each(LOCAL_ENGINES)('A factory that does not end, on %s', (_name, make) => {
  const start = useNodes(make);
  beforeEach(() => {
    jest.useFakeTimers({
      doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'performance'],
    });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('is waited for no longer than 5 minutes, which is told; what it makes after that is stored', async () => {
    const node = await start({ sweepInterval: 3_600_000 });
    const cache = hyperCacheOn(node);
    const errors: HyperCacheError[] = [];
    node.on('error', ({ error }) => void errors.push(error));
    const begun = deferred<void>();
    const made = deferred<string>();
    const factory = (): Promise<string> => {
      begun.resolve();
      return made.promise;
    };
    const waiting = Promise.allSettled([cache.wrap('key', factory), cache.wrap('key', factory)]);
    await begun.promise;
    jest.advanceTimersByTime(299_999);
    await nextTurn();
    expect(errors).toEqual([]);
    jest.advanceTimersByTime(1);

    const timeout = { status: 'rejected', reason: { code: 'HC_FACTORY_TIMEOUT' } };
    expect(await waiting).toMatchObject([timeout, timeout]);
    expect(errors).toMatchObject([{ code: 'HC_FACTORY_TIMEOUT' }]);
    made.resolve('late');
    await nextTurn();
    await node.flush();
    await expect(cache.get('key')).resolves.toBe('late');
  });

  it('leaves later callers their own factory', async () => {
    const node = await start({ sweepInterval: 3_600_000 });
    const cache = hyperCacheOn(node);
    const begun = deferred<void>();
    const waiting = cache.wrap('key', () => {
      begun.resolve();
      return new Promise<string>(() => undefined);
    });
    await begun.promise;
    jest.advanceTimersByTime(300_000);
    await expect(waiting).rejects.toMatchObject({ code: 'HC_FACTORY_TIMEOUT' });

    await expect(cache.wrap('key', () => 'made')).resolves.toBe('made');
  });
});
