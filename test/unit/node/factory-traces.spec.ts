import { describe, expect, it } from '@jest/globals';
import { AsyncLocalStorage } from 'node:async_hooks';
import { tracingChannel } from 'node:diagnostics_channel';
import type { HyperCacheFactoryTrace } from '../../../lib/common/traces.js';
import { ManualClock } from '../../support/manual-clock.js';
import { useNodes } from '../../support/nodes.js';
import { traced } from '../../support/traced.js';

const ms: unknown = expect.any(Number);

describe('the channels tracing:hypercache:factory', () => {
  const startNode = useNodes();

  it('tell of a factory from its call until its value is stored', async () => {
    const cache = (await startNode()).cache('shop');

    const steps = await traced('factory', () => cache.wrap('a', async () => 'secret value'));

    const begun = { namespace: 'shop', key: 'a', reason: 'miss' };
    const ended = { ...begun, ms, outcome: 'stored' };
    expect(steps).toEqual([
      ['start', begun],
      ['end', begun],
      ['asyncStart', ended],
      ['asyncEnd', ended],
    ]);
  });

  it('tell nothing of a hit', async () => {
    const cache = (await startNode()).cache('shop');
    await cache.set('a', 1);

    const steps = await traced('factory', () => cache.wrap('a', () => 2));

    expect(steps).toEqual([]);
  });

  it('tell of a factory that throws, and what it threw', async () => {
    const cache = (await startNode()).cache('shop');
    const failure = new Error('the origin is down');

    const steps = await traced('factory', async () => {
      const served = cache.wrap('a', () => {
        throw failure;
      });
      await expect(served).rejects.toBe(failure);
    });

    expect(steps.map(([channel]) => channel)).toEqual([
      'start',
      'end',
      'error',
      'asyncStart',
      'asyncEnd',
    ]);
    expect(steps.at(-1)?.[1]).toMatchObject({ outcome: 'failed', error: failure, ms });
  });

  it('say that a factory runs in the background', async () => {
    const clock = new ManualClock();
    const node = await startNode({}, { clock });
    const cache = node.cache('shop');
    const options = { ttl: 1000, stale: 10_000 };
    await cache.wrap('a', () => 1, options);
    clock.advance(2000);

    const steps = await traced('factory', async () => {
      await cache.wrap('a', () => 2, options);
      await node.flush();
    });

    expect(steps[0]?.[1]).toMatchObject({ key: 'a', reason: 'stale' });
  });

  it('let a subscriber call the factory, in a context of its own', async () => {
    const cache = (await startNode()).cache('shop');
    const span = new AsyncLocalStorage<string>();
    const { start } = tracingChannel<unknown, HyperCacheFactoryTrace>('hypercache:factory');
    const begin = (message: unknown): void => {
      (message as HyperCacheFactoryTrace).around = (work) => span.run('a span', work);
    };
    start.subscribe(begin);

    try {
      const { value } = await cache.wrap('a', async () => span.getStore());

      expect(value).toBe('a span');
      expect(span.getStore()).toBeUndefined();
    } finally {
      start.unsubscribe(begin);
    }
  });

  it('carry the context of the caller into the factory, and what a tracer has bound to it', async () => {
    const cache = (await startNode()).cache('shop');
    const caller = new AsyncLocalStorage<string>();
    const span = new AsyncLocalStorage<string>();
    const { start } = tracingChannel('hypercache:factory');
    start.bindStore(span, () => `span below ${caller.getStore()}`);

    try {
      const { value } = await caller.run('a request', () =>
        cache.wrap('a', async () => [caller.getStore(), span.getStore()]),
      );

      expect(value).toEqual(['a request', 'span below a request']);
    } finally {
      start.unbindStore(span);
    }
  });
});
