import { beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../lib/common/clock.js';
import { LeaseKind, type LeaseName } from '../../../lib/engine/lease.js';
import { deferred } from '../../support/deferred.js';
import { eventually } from '../../support/eventually.js';
import { KEYS, useRedisLinks, type LeasesOnServer } from '../../support/redis-links.js';
import type { RedisServer } from '../../support/redis-servers.js';
import { describeOnServers } from '../../support/redis-suites.js';

const LOCK: LeaseName = { kind: LeaseKind.Lock, name: 'lock' };

const request = (owner: string, { ttlMs = 60_000, waitMs = 0, lease = LOCK, slots = 1 } = {}) => ({
  lease,
  owner,
  ttlMs,
  slots,
  waitMs,
});
const WAITING = { waitMs: 60_000 };

describeOnServers('RedisLeases', (server) => {
  const links = useRedisLinks();
  let here: LeasesOnServer;
  let there: LeasesOnServer;
  beforeEach(async () => {
    here = await links.leases(server());
    there = await links.leases(server());
  });
  const untilQueued = (count: number): Promise<void> =>
    eventually(() => {
      expect(server().cli('ZCARD', KEYS.lease('q', LOCK))).toBe(String(count));
    });

  it('serves first come, first served, over nodes, soon after each release', async () => {
    const nodes = [here, there, await links.leases(server())];
    await here.leases.acquire(request('first'));
    const served: string[] = [];
    const waiting: Promise<void>[] = [];
    for (let i = 0; i < 30; i++) {
      const { leases } = nodes[i % 3] ?? here;
      const wait = async (): Promise<void> => {
        const grant = await leases.acquire(request(`owner ${i}`, WAITING));
        served.push(`owner ${i}`);
        expect(grant?.token).toBeGreaterThan(0);
        await leases.release(LOCK, `owner ${i}`);
      };
      waiting.push(wait());
      await untilQueued(i + 1);
    }
    const start = performance.now();
    await here.leases.release(LOCK, 'first');
    await Promise.all(waiting);

    expect(served).toEqual(waiting.map((_, i) => `owner ${i}`));
    // Not by the sign of life that comes each second.
    expect(performance.now() - start).toBeLessThan(900);
    expect(here.errors.concat(there.errors)).toEqual([]);
  });

  it('gives a waiter of another node its lease in full', async () => {
    await here.leases.acquire(request('a'));
    const granted = there.leases.acquire(request('b', WAITING));
    await untilQueued(1);
    await here.leases.release(LOCK, 'a');
    const grant = await granted;
    const now = systemClock.monotonic();
    const [held] = await here.leases.holders(LOCK);

    expect(held).toMatchObject({ owner: 'b', ttl: 60_000, token: grant?.token });
    expect(Number(held?.expiresAt) - now).toBeGreaterThan(50_000);
    expect(Number(grant?.expiresAt) - now).toBeLessThanOrEqual(60_000);
  });

  it('passes on what it is given when the waiter has aborted', async () => {
    await here.leases.acquire(request('a'));
    const controller = new AbortController();
    const aborted = there.leases.acquire({ ...request('b', WAITING), signal: controller.signal });
    await untilQueued(1);
    const behind = here.leases.acquire(request('c', WAITING));
    await untilQueued(2);
    const released = here.leases.release(LOCK, 'a');
    controller.abort(new Error('enough'));

    await expect(aborted).rejects.toThrow('enough');
    await released;
    expect((await behind)?.token).toBeGreaterThan(0);
  });

  it('serves many who wait, each for a lock of its own', async () => {
    await here.leases.acquire(request('a'));
    const waiting = Array.from({ length: 700 }, (_, i) => {
      const lease = { kind: LeaseKind.Lock, name: `lock ${i}` };
      return here.leases
        .acquire(request('a', { lease }))
        .then(() => there.leases.acquire(request('b', { ...WAITING, lease })));
    });
    await eventually(() => expect(there.leases.waiting).toBe(700));
    const released = Array.from({ length: 700 }, (_, i) =>
      here.leases.release({ kind: LeaseKind.Lock, name: `lock ${i}` }, 'a'),
    );
    expect(new Set(await Promise.all(released))).toEqual(new Set([true]));
    const grants = await Promise.all(waiting);

    expect(grants.every((grant) => grant !== undefined)).toBe(true);
    expect(there.leases.waiting).toBe(0);
  });

  it('lists what is held, of more than one page', async () => {
    const names = Array.from({ length: 1100 }, (_, i) => `lock ${String(i).padStart(4, '0')}`);
    await Promise.all(
      names.map((name) => here.leases.acquire(request('a', { lease: { kind: 0, name } }))),
    );
    await here.leases.acquire(request('a', { lease: { kind: LeaseKind.Run, name: 'job' } }));

    expect((await there.leases.list()).map(({ name }) => name)).toEqual(names);
  });

  describe('after FLUSHALL', () => {
    it('tells all holders, and none twice', async () => {
      const losses: string[] = [];
      for (const { leases } of [here, there]) {
        leases.watchLoss({
          isLive: true,
          runDue: () => undefined,
          onLoss: ({ code }) => losses.push(code),
        });
        await leases.acquire(request('waits for nothing', { lease: { kind: 0, name: 'other' } }));
      }
      await watchServer(here, there);
      server().cli('FLUSHALL');

      await eventually(() => expect(losses).toEqual(['HC_STORAGE_LOST', 'HC_STORAGE_LOST']));
    });

    it('puts those who wait into the queue again, and one of them has the lock', async () => {
      await here.leases.acquire(request('a'));
      const waiting = ['b', 'c', 'd'].map((owner, i) =>
        (i % 2 === 0 ? here : there).leases
          .acquire(request(owner, WAITING))
          .then((grant) => owner + (grant ? '' : ' had nothing')),
      );
      await untilQueued(3);
      server().cli('FLUSHALL');
      const first = await Promise.race(waiting);
      await untilQueued(2);
      for (const { leases } of [here, there]) await leases.release(LOCK, first);
      const second = await Promise.race(waiting.filter((_, i) => 'bcd'[i] !== first));
      for (const { leases } of [here, there]) await leases.release(LOCK, second);

      expect((await Promise.all(waiting)).toSorted()).toEqual(['b', 'c', 'd']);
    });

    it('does not believe a grant of the moment before', async () => {
      for (let i = 0; i < 20; i++) {
        const granted = here.leases.acquire(request(`owner ${i}`));
        // In the same packet: the message that all is gone comes with the grant.
        await here.link.call(['FLUSHALL']);

        await expect(granted).resolves.toBeUndefined();
      }
    });
  });

  describe('when the link is lost', () => {
    const drop = (): void => void server().cli('CLIENT', 'KILL', 'TYPE', 'normal');

    it('lets holders keep their leases', async () => {
      let losses = 0;
      await here.leases.acquire(request('a'));
      here.leases.watchLoss({ isLive: true, runDue: () => undefined, onLoss: () => losses++ });
      drop();
      await eventually(() => expect(here.link.session).toBe(2));
      await eventually(() => expect(here.link.state).toBe('open'));

      expect((await here.leases.extend(LOCK, 'a', 60_000))?.token).toBeGreaterThan(0);
      expect(losses).toBe(0);
    });

    it('keeps the places of those who wait, and wakes them', async () => {
      await here.leases.acquire(request('a'));
      const b = there.leases.acquire(request('b', WAITING));
      await untilQueued(1);
      const c = here.leases.acquire(request('c', WAITING));
      await untilQueued(2);
      drop();
      await eventually(() => expect([here.link.session, there.link.session]).toEqual([2, 2]));
      await eventually(() => expect([here.link.state, there.link.state]).toEqual(['open', 'open']));
      await here.leases.release(LOCK, 'a');

      expect(await b).toBeDefined();
      await there.leases.release(LOCK, 'b');
      expect(await c).toBeDefined();
    });

    it('fails what cannot be asked, and waits no longer than its time', async () => {
      here = await links.leases(server(), 1000);
      await here.leases.acquire(request('a'));
      const waiting = here.leases.acquire(request('b', { waitMs: 300 }));
      await untilQueued(1);
      server().signal('SIGSTOP');
      try {
        const start = performance.now();
        await expect(waiting).rejects.toMatchObject({ code: 'HC_OUTCOME_UNKNOWN' });
        expect(performance.now() - start).toBeLessThan(4000);
        await expect(here.leases.acquire(request('c'))).rejects.toMatchObject({
          code: 'HC_SERVER_UNREACHABLE',
        });
      } finally {
        server().signal('SIGCONT');
      }
      // What it may have been given is given back.
      await eventually(() => expect(here.link.state).toBe('open'));
      await here.leases.release(LOCK, 'a');
      expect(await there.leases.acquire(request('d', { waitMs: 5000 }))).toBeDefined();
    });

    it('gives back what no caller knows of', async () => {
      here = await links.leases(server(), 1000);
      server().signal('SIGSTOP');
      try {
        const unknown = here.leases.acquire(request('a'));
        await expect(unknown).rejects.toMatchObject({ code: 'HC_OUTCOME_UNKNOWN' });
      } finally {
        server().signal('SIGCONT');
      }
      const other = there.leases.acquire(request('b', { waitMs: 10_000 }));

      expect(await other).toBeDefined();
    });

    it('aborts at once', async () => {
      await here.leases.acquire(request('a'));
      const controller = new AbortController();
      const waiting = there.leases.acquire({ ...request('b', WAITING), signal: controller.signal });
      await untilQueued(1);
      server().signal('SIGSTOP');
      controller.abort(new Error('enough'));
      const ended = deferred<void>();
      waiting.catch(() => ended.resolve());
      const start = performance.now();
      await ended.promise;
      server().signal('SIGCONT');

      expect(performance.now() - start).toBeLessThan(500);
      await expect(waiting).rejects.toThrow('enough');
    });
  });

  it('refuses those who wait when it is closed, and leaves the queue', async () => {
    await here.leases.acquire(request('a'));
    const waiting = there.leases.acquire(request('b', WAITING));
    await untilQueued(1);
    const closed = there.leases.close();

    await expect(waiting).rejects.toMatchObject({ code: 'HC_CLOSED' });
    await closed;
    expect(server().cli('ZCARD', KEYS.lease('q', LOCK))).toBe('0');
    await expect(async () => there.leases.acquire(request('c', WAITING))).rejects.toMatchObject({
      code: 'HC_CLOSED',
    });
  });

  it('ends by itself what a node leaves behind that was stopped for a while', async () => {
    await here.leases.acquire(request('a', { ttlMs: 1500 }));
    const waiting = there.leases.acquire(request('b', WAITING));
    await untilQueued(1);
    // As if the node had slept: its place was given up meanwhile.
    server().cli('DEL', KEYS.lease('q', LOCK), KEYS.lease('w', LOCK));

    expect(await waiting).toBeDefined();
  });
});

/** Until both have read the mark by which they find out that leases are lost. */
async function watchServer(...nodes: LeasesOnServer[]): Promise<void> {
  for (const { link } of nodes) await link.call(['PING']);
}

describeOnServers('RedisLeases on a server that starts again', (server) => {
  const links = useRedisLinks();

  const restart = (running: RedisServer): void => {
    running.stop();
    running.start();
  };

  it('empty: holders learn that they lost their leases, and tokens grow', async () => {
    const { leases, link } = await links.leases(server());
    const before = await leases.acquire(request('a'));
    const losses: string[] = [];
    leases.watchLoss({
      isLive: true,
      runDue: () => undefined,
      onLoss: ({ code }) => losses.push(code),
    });
    restart(server());
    await eventually(() => expect(link.session).toBeGreaterThan(1));
    await eventually(() => expect(losses).toEqual(['HC_STORAGE_LOST']));
    const after = await leases.acquire(request('b'));

    expect(Number(after?.token)).toBeGreaterThan(Number(before?.token));
  });

  it('empty: those who wait are in the queue again', async () => {
    const { leases } = await links.leases(server());
    await leases.acquire(request('a'));
    const waiting = leases.acquire(request('b', WAITING));
    await eventually(() => expect(server().cli('ZCARD', KEYS.lease('q', LOCK))).toBe('1'));
    restart(server());

    expect(await waiting).toBeDefined();
  });
});
