import { describe, expect, it } from '@jest/globals';
import { PassThrough } from 'node:stream';
import type { HyperCacheNode } from '../../../lib/node/hyper-cache-node.js';
import { PrimaryTimeoutError } from '../../../lib/common/errors.js';
import type { SyncEndpoint } from '../../../lib/cluster/wire/sync-endpoint.js';
import { FrameReader, FrameType, pack, type Frame } from '../../../lib/cluster/wire/wire.js';
import { LeaseKind } from '../../../lib/engine/lease.js';
import { useDirectClusters } from '../../support/clusters.js';
import { deferred } from '../../support/deferred.js';
import { eventually } from '../../support/eventually.js';
import { ManualClock } from '../../support/manual-clock.js';

const clusters = useDirectClusters();

function syncOf({ sync }: HyperCacheNode): SyncEndpoint {
  if (sync === undefined) throw new Error('A primary can be followed.');
  return sync;
}

/** Resolves when so many wait on the primary. */
function queued(primary: HyperCacheNode, waiters: number): Promise<void> {
  return eventually(() => expect(primary.stats()).toMatchObject({ lockWaiters: waiters }));
}

/** As a secondary asks for a lock, or a slot of a semaphore of two, to wait for. */
function waitRequest(owner: string, number: number, slots = 1): Buffer {
  const kind = slots === 1 ? LeaseKind.Lock : LeaseKind.Semaphore;
  return pack([kind, 'lock', owner, 60_000, slots, 60_000, 'sender', number]);
}

/** What stands in a stream so far. */
function answersIn(sink: PassThrough): Frame[] {
  const reader = new FrameReader(1_000_000);
  reader.push((sink.read() as Buffer | null) ?? Buffer.alloc(0));
  const frames: Frame[] = [];
  for (let frame = reader.next(); frame !== undefined; frame = reader.next()) frames.push(frame);
  return frames.filter(([type]) => type === FrameType.Answer);
}

describe('a lock of a secondary', () => {
  it('is counted from before it was asked for: it never ends later than on the primary', async () => {
    const primaryClock = new ManualClock();
    const clock = new ManualClock();
    const pass = (ms: number): void => [primaryClock, clock].forEach((each) => each.advance(ms));
    const primary = await clusters.primary({}, { clock: primaryClock });
    const { node, client } = await clusters.secondary(primary, {}, { clock });
    const sync = syncOf(primary);
    client.endpoint = {
      feed: (request, sink) => sync.feed(request, sink),
      wait: (request, sink) => sync.wait(request, sink),
      async exchange(request) {
        pass(30);
        const answer = await sync.exchange(request);
        pass(50);
        return answer;
      },
    };
    const lock = node.locks.lock('lock', { ttl: 1000 });
    await lock.acquire();

    // Granted 50 ms ago, asked for 80 ms ago.
    pass(919);
    expect(lock.isHeld).toBe(true);
    pass(1);
    expect(lock.isHeld).toBe(false);
    expect(await primary.locks.lock('lock', { ttl: 1000 }).acquire()).toBe(false);
    pass(30);
    expect(await primary.locks.lock('lock', { ttl: 1000 }).acquire()).toBe(true);
  });

  it('that was extended is counted from before the extension was asked for', async () => {
    const clock = new ManualClock();
    const primary = await clusters.primary({}, { clock });
    const { node, client } = await clusters.secondary(primary, {}, { clock });
    const lock = node.locks.lock('lock', { ttl: 1000 });
    await lock.acquire();
    const sync = syncOf(primary);
    client.endpoint = {
      feed: (request, sink) => sync.feed(request, sink),
      wait: (request, sink) => sync.wait(request, sink),
      async exchange(request) {
        clock.advance(200);
        return sync.exchange(request);
      },
    };
    expect(await lock.extend(1000)).toBe(true);
    clock.advance(800);

    expect(lock.isHeld).toBe(false);
    expect(await primary.locks.lock('lock', { ttl: 1 }).acquire()).toBe(false);
  });

  it('that was waited for has its whole ttl from then on', async () => {
    const primary = await clusters.primary();
    const { node } = await clusters.secondary(primary);
    const held = primary.locks.lock('lock', { ttl: 60_000 });
    await held.acquire();
    const lock = node.locks.lock('lock', { ttl: 5000 });
    const waiting = lock.acquire({ wait: 60_000 });
    await queued(primary, 1);
    await held.release();
    expect(await waiting).toBe(true);
    const [info] = await primary.locks.list();

    expect(lock.token).toBe(info?.token);
    expect(lock.isHeld).toBe(true);
    expect(Number(info?.remaining)).toBeGreaterThan(4000);
  });

  it('is waited for with one request, however long it takes', async () => {
    const primary = await clusters.primary();
    const { node, client } = await clusters.secondary(primary);
    const held = primary.locks.lock('lock', { ttl: 60_000 });
    await held.acquire();
    const waiting = node.locks.lock('lock', { ttl: 1000 }).acquire({ wait: 60_000 });
    await queued(primary, 1);
    const { exchanges } = client;
    for (let i = 0; i < 20; i++) await held.extend();
    expect(client.waits).toBe(1);
    expect(client.exchanges).toBe(exchanges);
    await held.release();

    expect(await waiting).toBe(true);
    expect(client.waits).toBe(1);
  });

  it('that is no longer waited for leaves the queue', async () => {
    const primary = await clusters.primary();
    const { node } = await clusters.secondary(primary);
    const held = primary.locks.lock('lock', { ttl: 60_000 });
    await held.acquire();
    const controller = new AbortController();
    const { signal } = controller;
    const lock = node.locks.lock('lock', { ttl: 60_000 });
    const waiting = lock.acquire({ wait: 60_000, signal });
    await queued(primary, 1);
    controller.abort(new Error('enough'));

    await expect(waiting).rejects.toThrow('enough');
    await queued(primary, 0);
    await held.release();
    expect(await primary.locks.lock('lock', { ttl: 1 }).acquire()).toBe(true);
  });

  it('that was given to a node that has gone is free again', async () => {
    const primary = await clusters.primary();
    const held = primary.locks.lock('lock', { ttl: 60_000 });
    await held.acquire();
    const sink = new PassThrough();
    syncOf(primary).wait(waitRequest('somebody', 1), sink);
    await queued(primary, 1);
    const released = held.release();
    sink.destroy();
    await released;

    await queued(primary, 0);
    await eventually(async () =>
      expect(await primary.locks.lock('lock', { ttl: 1 }).acquire()).toBe(true),
    );
  });

  it('is kept, whatever becomes of copies of the request that it was given to', async () => {
    const primary = await clusters.primary();
    const request = waitRequest('owner', 1, 2);
    const sink = new PassThrough();
    syncOf(primary).wait(request, sink);
    await eventually(async () => expect(await primary.locks.list()).toHaveLength(1));
    const [held] = await primary.locks.list();
    expect(answersIn(sink)).toEqual([[FrameType.Answer, held?.token]]);
    const copy = new PassThrough();

    expect(() => syncOf(primary).wait(request, copy)).toThrow(
      expect.objectContaining({ code: 'HC_OUT_OF_ORDER' }),
    );
    copy.destroy();
    await primary.flush();
    expect(await primary.locks.list()).toMatchObject([{ token: held?.token }]);
  });

  it('that was given back is not taken by a copy of its request', async () => {
    const primary = await clusters.primary();
    const { node } = await clusters.secondary(primary);
    const request = waitRequest('owner', 1);
    syncOf(primary).wait(request, new PassThrough());
    await eventually(async () => expect(await primary.locks.list()).toHaveLength(1));
    await expect(async () => syncOf(primary).wait(request, new PassThrough())).rejects.toThrow();
    await node.locks.restore('lock', 'owner').release();

    expect(await primary.locks.lock('lock', { ttl: 1000 }).acquire()).toBe(true);
  });

  it('is waited for by the newest request of its owner alone', async () => {
    const primary = await clusters.primary();
    const held = primary.locks.lock('lock', { ttl: 60_000 });
    await held.acquire();
    const given = new PassThrough();
    const newest = new PassThrough();
    syncOf(primary).wait(waitRequest('owner', 1), given);
    await queued(primary, 1);
    syncOf(primary).wait(waitRequest('owner', 2), newest);
    await eventually(() => expect(given.destroyed).toBe(true));
    await queued(primary, 1);
    await held.release();
    await eventually(() => expect(newest.writableEnded).toBe(true));

    const [granted] = await primary.locks.list();
    expect(granted?.owner).toBe('owner');
    expect(answersIn(newest)).toEqual([[FrameType.Answer, granted?.token]]);
  });

  it('is not given back by a handle that holds it and asks in vain once more', async () => {
    const primary = await clusters.primary();
    const { node, client } = await clusters.secondary(primary);
    const lock = node.locks.lock('lock', { ttl: 60_000 });
    await lock.acquire();
    const sync = syncOf(primary);
    let isLost = true;
    client.endpoint = {
      feed: (request, sink) => sync.feed(request, sink),
      wait: (request, sink) => sync.wait(request, sink),
      async exchange(request) {
        const answer = await sync.exchange(request);
        if (!isLost) return answer;
        isLost = false;
        throw new PrimaryTimeoutError('http://direct', 'the answer was lost');
      },
    };
    await expect(lock.acquire()).rejects.toMatchObject({ code: 'HC_PRIMARY_TIMEOUT' });
    await eventually(() => node.cache('default').set('after', 1));

    expect(lock.isHeld).toBe(true);
    expect(await primary.locks.list()).toMatchObject([{ token: lock.token }]);
  });

  it('of which the request arrives only as a copy is not held for ever', async () => {
    const primary = await clusters.primary();
    const { node, client } = await clusters.secondary(primary);
    const sync = syncOf(primary);
    client.endpoint = {
      feed: (request, sink) => sync.feed(request, sink),
      wait: (request, sink) => sync.wait(request, sink),
      async exchange(request) {
        await sync.exchange(request);
        return sync.exchange(request);
      },
    };
    const lock = node.locks.lock('lock', { ttl: 60_000 });
    await expect(lock.acquire()).rejects.toMatchObject({ code: 'HC_OUT_OF_ORDER' });
    client.endpoint = sync;

    await eventually(async () => expect(await primary.locks.list()).toHaveLength(0));
  });

  it('is refused when the connection is lost while it waits, and nobody waits any more', async () => {
    const primary = await clusters.primary();
    const { node, client } = await clusters.secondary(primary);
    const held = primary.locks.lock('lock', { ttl: 60_000 });
    await held.acquire();
    const waiting = node.locks.lock('lock', { ttl: 60_000 }).acquire({ wait: 60_000 });
    await queued(primary, 1);
    client.cut();

    await expect(waiting).rejects.toMatchObject({ code: 'HC_PRIMARY_TIMEOUT' });
    await queued(primary, 0);
  });

  it('of which the grant is lost on its way is not held for ever', async () => {
    const primary = await clusters.primary();
    const { node, client } = await clusters.secondary(primary);
    const held = primary.locks.lock('lock', { ttl: 60_000 });
    await held.acquire();
    client.hold();
    const waiting = node.locks.lock('lock', { ttl: 60_000 }).acquire({ wait: 60_000 });
    await queued(primary, 1);
    await held.release();
    await eventually(async () => expect(await primary.locks.list()).toHaveLength(1));
    client.cut();
    client.release();

    await expect(waiting).rejects.toMatchObject({ code: 'HC_PRIMARY_TIMEOUT' });
    await eventually(async () => expect(await primary.locks.list()).toHaveLength(0));
  });

  it('never has a smaller token than before, whichever node takes it', async () => {
    const home = clusters.directory();
    const primary = await clusters.primary({ sqlitePath: home });
    const first = await clusters.secondary(primary);
    const second = await clusters.secondary(primary);
    const tokens: number[] = [];
    const nodes = [primary, first.node, second.node, first.node, primary, second.node];
    for (const node of nodes) {
      await node.locks.lock('lock', { ttl: 1000 }).run(({ token }) => void tokens.push(token));
    }
    await primary.close();
    const restarted = await clusters.primary({ sqlitePath: home });
    first.client.endpoint = restarted.sync;
    await eventually(() =>
      expect(first.node.stats()).toMatchObject({ replica: { isConnected: true } }),
    );
    await first.node.locks.lock('lock', { ttl: 1000 }).run(({ token }) => void tokens.push(token));

    expect(tokens).toHaveLength(7);
    expect(new Set(tokens).size).toBe(7);
    expect(tokens.toSorted((a, b) => a - b)).toEqual(tokens);
  });

  it('shows what was written under it before, on another node', async () => {
    const primary = await clusters.primary();
    const nodes = await Promise.all([
      clusters.secondary(primary),
      clusters.secondary(primary),
      clusters.secondary(primary),
    ]);
    const count = async ({ node, cache }: (typeof nodes)[number]): Promise<void> => {
      for (let i = 0; i < 20; i++) {
        await node.locks.lock('lock', { ttl: 10_000 }).run(
          async () => {
            await cache.set('count', Number((await cache.get('count')) ?? 0) + 1);
          },
          { wait: 60_000 },
        );
      }
    };
    await Promise.all(nodes.map(count));

    expect(await primary.cache('default').get('count')).toBe(60);
  });

  it('is free when the node that holds it closes while it renews', async () => {
    const primary = await clusters.primary();
    const { node } = await clusters.secondary(primary);
    const started = deferred<void>();
    const lost = node.locks.lock('lock', { ttl: 200, renew: true }).run(async ({ signal }) => {
      started.resolve();
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    });
    await started.promise;
    await node.close();

    await expect(lost).rejects.toMatchObject({ code: 'HC_CLOSED' });
    expect(await primary.locks.lock('lock', { ttl: 1 }).acquire({ wait: 5000 })).toBe(true);
  });
});
