import { describe, expect, it } from '@jest/globals';
import type { HyperCacheEvents } from '../../lib/common/events.js';
import type { RunOnceOptions, RunSlotOptions } from '../../lib/node/runs.js';
import { deferred } from '../support/deferred.js';
import { ENGINES } from '../support/engines.js';
import { hyperCacheOn } from '../support/hyper-caches.js';
import { ManualClock } from '../support/manual-clock.js';
import { useNodes } from '../support/nodes.js';

describe.each(ENGINES)('runOnce, on %s', (_engine, make) => {
  const startNode = useNodes(make);

  async function start() {
    const clock = new ManualClock();
    const node = await startNode({}, { clock });
    const cache = hyperCacheOn(node);
    const outcomes: HyperCacheEvents['run']['outcome'][] = [];
    node.on('run', ({ outcome }) => outcomes.push(outcome));
    let calls = 0;
    const run = (options: RunOnceOptions | RunSlotOptions, name = 'job') =>
      cache.runOnce(name, options, () => ++calls);
    return { clock, cache, run, outcomes };
  }

  it('runs at most once in a window', async () => {
    const { run, clock, outcomes } = await start();
    expect(await run({ window: '1h' })).toBe(1);
    clock.advance(3_599_999);
    expect(await run({ window: '1h' })).toBeUndefined();
    expect(await run({ window: '1h' }, 'other')).toBe(2);
    clock.advance(1);
    expect(await run({ window: '1h' })).toBe(3);
    expect(outcomes).toEqual(['ok', 'skipped', 'ok', 'ok']);
  });

  it('runs once for each slot, and for none that is older than the last', async () => {
    const { run, clock } = await start();
    const now = clock.now();
    expect(await run({ slot: now - 5000 })).toBe(1);
    expect(await run({ slot: now - 5000 })).toBeUndefined();
    expect(await run({ slot: now - 6000 })).toBeUndefined();
    expect(await run({ slot: now })).toBe(2);
    expect(await run({ slot: () => undefined })).toBeUndefined();
    expect(await run({ slot: (time) => ({ slot: time + 1, within: 1 }) })).toBe(3);
    expect(await run({ slot: (time) => ({ slot: time, within: 1 }) })).toBeUndefined();
  });

  it('never runs beside itself', async () => {
    const { cache, run, outcomes, clock } = await start();
    const gate = deferred<string>();
    const first = cache.runOnce('job', { window: 1 }, () => gate.promise);
    clock.advance(10);
    expect(await run({ window: 1 })).toBeUndefined();
    gate.resolve('done');
    expect(await first).toBe('done');
    expect(outcomes).toEqual(['running', 'ok']);
    clock.advance(1);
    expect(await run({ window: 1 })).toBe(1);
  });

  it('of many at once runs one', async () => {
    const { run, outcomes } = await start();
    const results = await Promise.all(
      Array.from({ length: 50 }, () => run({ window: '1h', ttl: '10s' })),
    );
    expect(results.filter((result) => result !== undefined)).toEqual([1]);
    expect(outcomes.filter((outcome) => outcome === 'ok')).toHaveLength(1);
  });

  it("passes on what the work throws; only with on: 'success' it may run again", async () => {
    const { cache, run, outcomes } = await start();
    const failure = new TypeError('of the work');
    const fail = (): never => {
      throw failure;
    };
    for (const on of ['start', 'success'] as const) {
      const options = { window: '1h', on } as const;
      await expect(cache.runOnce(on, options, fail)).rejects.toBe(failure);
      expect(await cache.lastRun(on)).toMatchObject({ ok: false });
      expect(await run(options, on)).toBe(on === 'success' ? 1 : undefined);
      expect(await run(options, on)).toBeUndefined();
    }
    expect(outcomes).toEqual(['failed', 'skipped', 'skipped', 'failed', 'ok', 'skipped']);
  });

  it('is left out while the clocks are too far apart, and after a clock was wrong goes on', async () => {
    const { run, clock, outcomes } = await start();
    const now = clock.now();
    expect(await run({ slot: now + 10 * 86_400_000 })).toBe(1);
    // The slot that lies far ahead blocks nothing that knows how far it may be.
    expect(await run({ slot: () => ({ slot: now, maxSkew: 500 }) })).toBe(2);
    expect(await run({ slot: () => ({ slot: now, maxSkew: 500 }) })).toBeUndefined();
    expect(outcomes).toEqual(['ok', 'ok', 'skipped']);
  });

  it('tells of the last run', async () => {
    const { cache, clock } = await start();
    expect(await cache.lastRun('job')).toBeUndefined();
    const gate = deferred<void>();
    const began = deferred<void>();
    const startedAt = clock.now();
    const running = cache.runOnce('job', { slot: startedAt - 100 }, async () => {
      began.resolve();
      await gate.promise;
    });
    await began.promise;
    const info = { slot: startedAt - 100, startedAt, node: expect.stringContaining('pid') };
    expect(await cache.lastRun('job')).toEqual(info);
    clock.advance(50);
    gate.resolve();
    await running;
    expect(await cache.lastRun('job')).toEqual({ ...info, finishedAt: startedAt + 50, ok: true });
    // Such a lease is no lock of the application.
    expect(await cache.locks()).toEqual([]);
    await cache.clear();
    expect(await cache.lastRun('job')).toMatchObject({ ok: true });
  });

  it.each([
    ['neither window nor slot', {}],
    ['both', { window: 1, slot: 1 }],
    ['no time', { window: 0 }],
    ['a window without a unit', { window: '5' }],
    ['a slot that is no time', { slot: NaN }],
    ['a slot made of nonsense', { slot: () => ({ slot: 'now' }) }],
    ['another on', { window: 1, on: 'end' }],
    ['no ttl', { window: 1, ttl: 0 }],
    ['another option', { window: 1, every: 1 }],
    ['no options', undefined],
  ])('refuses %s', async (_what, options) => {
    const { run } = await start();
    await expect(run(options as RunOnceOptions)).rejects.toMatchObject({
      code: 'HC_ARGUMENT_INVALID',
    });
  });

  it.each([[''], ['\ud800'], [1], ['x'.repeat(1025)]])('refuses the name %j', async (name) => {
    const { run, cache } = await start();
    const refusal = { code: 'HC_KEY_INVALID' };
    await expect(run({ window: 1 }, name as string)).rejects.toMatchObject(refusal);
    await expect(cache.lastRun(name as string)).rejects.toMatchObject(refusal);
  });
});
