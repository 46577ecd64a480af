import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import { HyperCache } from 'nestjs-hypercache';
import {
  expectCached,
  HyperCacheTestingModule,
  recordEvents,
  TestClock,
  type EventSource,
} from 'nestjs-hypercache/testing';
import { AssertionError } from 'node:assert';

const clock = new TestClock();
let app: TestingModule;
let cache: HyperCache;
beforeAll(async () => {
  app = await Test.createTestingModule({
    imports: [HyperCacheTestingModule.forTest({ clock })],
  }).compile();
  await app.init();
  cache = app.get(HyperCache);
});
beforeEach(() => cache.clear());
afterAll(() => app.close());

const failureOf = async (expectation: Promise<void>): Promise<AssertionError> => {
  const error: unknown = await expectation.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(AssertionError);
  return error as AssertionError;
};

describe('expectCached', () => {
  it('tells a key that is there from one that is not', async () => {
    await cache.set('key', { at: new Date(0), tags: new Set(['a']) });

    await expectCached(cache).toHave('key');
    await expectCached(cache).toHave('key', { at: new Date(0), tags: new Set(['a']) });
    await expectCached(cache).toMiss('other');
    const missing = await failureOf(expectCached(cache).toHave('other'));
    const present = await failureOf(expectCached(cache).toMiss('key'));

    expect(missing.message).toBe("The cache 'default' has no fresh entry of 'other'");
    expect(present.message).toBe("The cache 'default' has an entry of 'key'");
  });

  it('shows how a value differs', async () => {
    await cache.set('key', { a: 1 });

    const failure = await failureOf(expectCached(cache).toHave('key', { a: 2 }));
    await failureOf(expectCached(cache).toHave('key', undefined));

    expect(failure.message).toMatch(/has another value of 'key':\n[^]*a: 1[^]*a: 2/);
    expect(failure).toMatchObject({ actual: { a: 1 }, expected: { a: 2 }, operator: 'toHave' });
  });

  it('tells stale entries from fresh ones', async () => {
    await cache.set('key', 'old', { ttl: '1m', grace: '1h' });
    const fresh = await failureOf(expectCached(cache).toHaveStale('key'));
    await clock.advance('2m');

    await expectCached(cache).toHaveStale('key', 'old');
    await expectCached(cache).toMiss('key');
    const another = await failureOf(expectCached(cache).toHaveStale('key', 'new'));
    const missing = await failureOf(expectCached(cache).toHaveStale('other'));

    expect(fresh.message).toMatch(/a fresh entry of 'key'$/);
    expect(another.message).toMatch(/another value of 'key'/);
    expect(missing.message).toMatch(/no entry of 'other'$/);
  });

  it('compares ttls by the clock of the test', async () => {
    await cache.set('key', 1, '5m');
    await cache.set('forever', 1, 0);
    await clock.advance('1m');
    const now = clock.now();

    await expectCached(cache).toHaveTtl('key', '4m', { now });
    await expectCached(cache).toHaveTtl('key', '5m', { now, within: '1m' });
    await expectCached(cache).toHaveTtl('forever', 0);
    const failure = await failureOf(expectCached(cache).toHaveTtl('key', '5m', { now }));
    await failureOf(expectCached(cache).toHaveTtl('key', 0, { now }));
    await failureOf(expectCached(cache).toHaveTtl('forever', '1m', { now }));

    expect(failure.message).toMatch(/a ttl of 240000 ms, not 300000 ms$/);
    await expect(expectCached(cache).toHaveTtl('key', 'soon' as never)).rejects.toMatchObject({
      code: 'HC_ARGUMENT_INVALID',
    });
  });
});

describe('recordEvents', () => {
  it('records what the node tells, in its order, until it is stopped', async () => {
    const events = recordEvents(cache);
    await cache.get('key');
    await cache.wrap('key', () => 1, '1m');
    await cache.get('key');
    await cache.flush();

    expect(events.names).toEqual(['miss', 'miss', 'set', 'factory', 'hit']);
    expect(events.of('hit')).toEqual([{ namespace: 'default', key: 'key', layer: 'l1' }]);
    expect(events.all[0]).toEqual({
      event: 'miss',
      payload: { namespace: 'default', key: 'key' },
    });
    events.clear();
    expect(events.all).toEqual([]);
    events.stop();
    events.stop();
    await cache.get('key');
    expect(events.all).toEqual([]);
  });

  it('records only some events, and ends with its block', async () => {
    let seen;
    {
      using events = recordEvents(cache, ['set']);
      await cache.set('key', 1);
      await cache.get('key');
      await cache.flush();
      seen = events;
    }
    await cache.set('key', 2);
    await cache.flush();

    expect(seen.names).toEqual(['set']);
  });

  it('refuses an event that there is not, and listens to none then', () => {
    let listeners = 0;
    const source: EventSource = {
      on: (event, listener) => {
        cache.on(event, listener);
        return listeners++;
      },
      off: (event, listener) => {
        cache.off(event, listener);
        return listeners--;
      },
    };

    expect(() => recordEvents(source, ['hit', 'hits' as never])).toThrow(
      expect.objectContaining({ code: 'HC_ARGUMENT_INVALID' }),
    );
    expect(listeners).toBe(0);
  });
});
