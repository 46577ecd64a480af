import { beforeEach, describe, expect, it } from '@jest/globals';
import { LeaseKind, type LeaseName } from '../../../lib/engine/lease.js';
import { LeaseScripts } from '../../../lib/redis/lease-scripts.js';
import { ACQUIRE_LEASE } from '../../../lib/redis/scripts/acquire-lease.js';
import { CANCEL_WAIT } from '../../../lib/redis/scripts/cancel-wait.js';
import { TOO_LATE } from '../../../lib/redis/scripts/lease-state.js';
import { RELEASE_LEASE } from '../../../lib/redis/scripts/release-lease.js';
import { KEYS, useRedisLinks } from '../../support/redis-links.js';
import { describeOnServers } from '../../support/redis-suites.js';

const START = Date.UTC(2026, 0, 1);
const LOCK: LeaseName = { kind: LeaseKind.Lock, name: 'lock' };
const ROOMS: LeaseName = { kind: LeaseKind.Semaphore, name: 'rooms' };

describeOnServers('The scripts of leases', (server) => {
  const links = useRedisLinks();
  let here: LeaseScripts;
  let there: LeaseScripts;
  let now: number;
  let givenUpAt = 0;
  beforeEach(async () => {
    now = START;
    givenUpAt = START + 86_400_000;
    server().setClock(now);
    const link = await links.link(server());
    here = new LeaseScripts(link, KEYS, 'here', () => givenUpAt, 0);
    there = new LeaseScripts(link, KEYS, 'there', () => givenUpAt, 0);
  });
  const pass = (ms: number): void => server().setClock((now += ms));
  const ask = (scripts: LeaseScripts, owner: string, waitMs = 0, lease = LOCK, slots = 1) =>
    scripts.acquire({ lease, owner, ttlMs: 10_000, slots, waitMs }, waitMs, false);
  const askAgain = (scripts: LeaseScripts, owner: string, waitMs = 5000) =>
    scripts.acquire({ lease: LOCK, owner, ttlMs: 10_000, slots: 1, waitMs }, waitMs, true);
  const owners = async (lease = LOCK) =>
    (await here.holders(lease, 0)).map(({ owner, expiresAt }) => [owner, expiresAt]);

  describe('acquire', () => {
    it('gives what is free, to its owner alone, until it has ended', async () => {
      const { token } = await ask(here, 'a');

      expect(token).toBe(START * 1000);
      expect(await owners()).toEqual([['a', 10_000]]);
      expect(await ask(there, 'b')).toMatchObject({ token: 0 });
      pass(10_000);
      expect((await ask(there, 'b')).token).toBeGreaterThan(token);
    });

    it('joins the queue behind those who wait, and tells when the lease ends', async () => {
      await ask(here, 'a');
      pass(4000);

      expect(await ask(here, 'b', 5000)).toMatchObject({ token: 0, left: 6000 });
      expect(await ask(there, 'c', 5000)).toMatchObject({ token: 0, left: 6000 });
      await here.release(LOCK, 'a');
      expect(await ask(here, 'd')).toMatchObject({ token: 0 });
      expect(await owners()).toEqual([['b', 10_000]]);
    });

    it('refuses an owner that waits already, unless its node has left it behind', async () => {
      await ask(here, 'a');
      await ask(here, 'b', 60_000);
      expect(await ask(there, 'b', 60_000)).toMatchObject({ token: -1 });
      pass(3000);

      expect(await ask(there, 'b', 60_000)).toMatchObject({ token: 0, left: 7000 });
    });

    it('asked again gives what the owner has by now, or keeps its place', async () => {
      await ask(here, 'a');
      await ask(there, 'b', 5000);
      await ask(there, 'c', 5000);
      expect(await askAgain(there, 'b')).toMatchObject({ token: 0 });
      await here.release(LOCK, 'a');
      const again = await askAgain(there, 'b');

      expect(again.token).toBeGreaterThan(0);
      expect(await owners()).toEqual([['b', 10_000]]);
    });

    it('gives each owner one slot of a semaphore, the lowest that is free', async () => {
      for (const owner of ['a', 'b', 'c']) await ask(here, owner, 0, ROOMS, 3);
      expect(await ask(here, 'a', 0, ROOMS, 3)).toMatchObject({ token: -1 });
      expect(await ask(here, 'd', 0, ROOMS, 3)).toMatchObject({ token: 0 });
      await here.release(ROOMS, 'b');
      await ask(here, 'd', 0, ROOMS, 3);

      const held = await here.holders(ROOMS, 0);
      expect(held.map(({ slot, owner }) => [slot, owner])).toEqual([
        [0, 'a'],
        [1, 'd'],
        [2, 'c'],
      ]);
    });

    it('keeps apart whatever stands in names and owners', async () => {
      const names = ['a', 'a\n', '{a}', '0:a', 'ä\0', '%s'];
      const held = names.map((name) => ({ kind: LeaseKind.Lock, name }));
      for (const lease of held) await ask(here, `owner\n${lease.name}`, 0, lease);

      const page = (await here.page(0, 100, 0)) ?? [];
      expect(page.map(({ name, owner }) => [name, owner]).toSorted()).toEqual(
        names.map((name) => [name, `owner\n${name}`]).toSorted(),
      );
      for (const lease of held) {
        expect(await here.release(lease, `owner\n${lease.name}`)).toMatchObject({ token: 1 });
      }
    });
  });

  describe('tokens', () => {
    it('grow over the end of a lease, a clock that is set back, and FLUSHALL', async () => {
      const tokens: number[] = [];
      const grant = async (): Promise<void> => {
        tokens.push((await ask(here, `owner ${tokens.length}`)).token);
      };
      await grant();
      pass(10_000);
      await grant();
      await here.forceRelease(LOCK);
      pass(-3_600_000);
      await grant();
      server().cli('FLUSHALL');
      await grant();
      await here.release(LOCK, 'owner 3');
      await grant();

      expect(tokens).toEqual(tokens.toSorted((a, b) => a - b));
      expect(new Set(tokens).size).toBe(5);
    });

    it('of a lock that was forgotten stay above its last', async () => {
      const { token } = await ask(here, 'a');
      await here.release(LOCK, 'a');
      pass(1000);
      expect(await here.forget(1000, 1000, 100)).toEqual([1, []]);
      expect(server().cli('EXISTS', KEYS.lease('h', LOCK))).toBe('0');
      pass(-5000);

      expect((await ask(there, 'b')).token).toBeGreaterThan(token);
    });
  });

  describe('extend', () => {
    it('counts from now, for the live owner only', async () => {
      await ask(here, 'a');
      pass(9000);
      expect(await here.extend(LOCK, 'b', 60_000)).toMatchObject({ token: 0 });
      expect((await here.extend(LOCK, 'a', 60_000)).token).toBeGreaterThan(0);
      expect(await owners()).toEqual([['a', 60_000]]);
      pass(60_000);

      expect(await here.extend(LOCK, 'a', 60_000)).toMatchObject({ token: 0 });
    });
  });

  describe('a hand-over', () => {
    beforeEach(async () => {
      await ask(here, 'a');
      await ask(there, 'b', 60_000);
      await ask(here, 'c', 60_000);
    });

    it('to the own node is an answer, in full', async () => {
      await here.cancel(LOCK, 'b', 'decline');
      const { given } = await here.release(LOCK, 'a');

      expect(given).toEqual([{ owner: 'c', token: expect.any(Number) }]);
      expect(await owners()).toEqual([['c', 10_000]]);
    });

    it('to another node is a line in its mailbox, for 3 s until it is collected', async () => {
      expect(await here.release(LOCK, 'a')).toMatchObject({ token: 1, given: [], left: 3000 });
      expect(await owners()).toEqual([['b', 3000]]);
      pass(2000);
      const { given } = await there.collect([]);

      expect(given).toEqual([{ lease: LOCK, owner: 'b', token: expect.any(Number) }]);
      expect(await owners()).toEqual([['b', 10_000]]);
      expect(await there.collect([])).toMatchObject({ given: [] });
    });

    it('that is collected too late is none, and the next one has it', async () => {
      await here.release(LOCK, 'a');
      pass(2000);
      await here.collect([]);
      pass(1000);
      const { given } = await here.promote(LOCK);

      expect(given).toMatchObject([{ owner: 'c' }]);
      expect((await there.collect([])).given).toEqual([{ lease: LOCK, owner: 'b', token: 0 }]);
    });

    it('that its waiter has found by itself is not given once more', async () => {
      await here.release(LOCK, 'a');
      const { token } = await askAgain(there, 'b');

      expect(token).toBeGreaterThan(0);
      expect((await there.collect([])).given).toEqual([{ lease: LOCK, owner: 'b', token: 0 }]);
    });

    it('has a larger token, whatever the clock says', async () => {
      const [a] = await here.holders(LOCK, 0);
      pass(-3_600_000);
      await here.release(LOCK, 'a');
      const [b] = await here.holders(LOCK, 0);

      expect(b?.token).toBeGreaterThan(Number(a?.token));
    });

    it('passes over a waiter whose node gives no sign of life for 3 s, or whose time is over', async () => {
      await ask(there, 'd', 2500);
      pass(2900);
      await here.collect([LOCK]);
      pass(100);

      expect((await here.release(LOCK, 'a')).given).toMatchObject([{ owner: 'c' }]);
      expect(server().cli('EXISTS', KEYS.lease('q', LOCK), KEYS.lease('w', LOCK))).toBe('0');
    });

    it('is passed on by the abort of its waiter, and kept when its time was over', async () => {
      await here.release(LOCK, 'a');
      const { given } = await there.cancel(LOCK, 'b', 'decline');
      expect(given).toEqual([]);
      expect(await owners()).toEqual([['c', 3000]]);
      const { token } = await here.cancel(LOCK, 'c', 'keep');

      expect(token).toBeGreaterThan(0);
      expect(await owners()).toEqual([['c', 10_000]]);
    });

    it('is declined by its token only once it is known', async () => {
      await here.release(LOCK, 'a');
      await there.cancel(LOCK, 'b', 1);
      expect(await owners()).toEqual([['b', 3000]]);
      const [{ token } = { token: 0 }] = (await there.collect([])).given;
      await there.cancel(LOCK, 'b', token);

      expect(await owners()).toEqual([['c', 3000]]);
    });

    it('serves several at once, a hundred dead ones a step', async () => {
      for (let i = 0; i < 250; i++) await ask(there, `dead ${i}`, 60_000);
      pass(2900);
      await here.collect([]);
      await ask(here, 'last', 60_000);
      pass(100);
      const steps = [await here.release(LOCK, 'a')];
      expect(steps[0]).toMatchObject({ left: 0, given: [{ owner: 'c' }] });
      await here.release(LOCK, 'c');
      while (steps.at(-1)?.left === 0) steps.push(await here.promote(LOCK));

      expect(steps.at(-1)?.given ?? []).toMatchObject([{ owner: 'last' }]);
    });
  });

  describe('what comes after it was given up', () => {
    it('has no effect unless its node still waits for the answer', async () => {
      const link = await links.link(server());
      await ask(here, 'a');
      const past = String((now - 1) * 1000);
      const part = (name: 'h' | 'q' | 'w') => KEYS.lease(name, LOCK);
      const keys = [part('h'), part('q'), part('w'), KEYS.lock('b')];
      const index = [KEYS.lock('i'), KEYS.lock('r')];
      const wait = ['b', '1000', '1', '1000', 'here', '0', '0', past];

      expect(await link.run(RELEASE_LEASE, keys, ['a', 'here', '0', past])).toBe(TOO_LATE);
      expect(await link.run(CANCEL_WAIT, keys, ['a', 'decline', 'here', '0', past])).toBe(TOO_LATE);
      expect(await link.run(ACQUIRE_LEASE, [...keys, ...index], wait)).toBe(TOO_LATE);
      expect(await owners()).toEqual([['a', 10_000]]);
      expect(server().cli('EXISTS', part('q'))).toBe('0');
    });

    it('is asked for again by a node whose clock is behind', async () => {
      givenUpAt = now;
      pass(1);
      await ask(here, 'a');
      expect(await owners()).toEqual([['a', 10_000]]);
      await here.release(LOCK, 'a');

      expect(await owners()).toEqual([]);
    });
  });

  describe('a sign of life', () => {
    it('tells a node that it was taken for dead', async () => {
      await ask(here, 'a');
      await ask(there, 'b', 60_000);
      expect(await there.collect([LOCK])).toMatchObject({ hasLapsed: false, left: [10_000] });
      pass(3000);

      expect(await there.collect([LOCK])).toMatchObject({ hasLapsed: true });
      expect(await there.collect([LOCK])).toMatchObject({ hasLapsed: false });
    });

    it('tells when a queue is not known any more, and when nothing holds the lease', async () => {
      await ask(here, 'a');
      await ask(there, 'b', 60_000);
      pass(10_000);
      expect(await there.collect([LOCK])).toMatchObject({ left: [0] });
      server().cli('FLUSHALL');

      expect(await there.collect([LOCK])).toMatchObject({ left: [undefined] });
    });
  });

  it('leave no time to live on what is held or waited for', async () => {
    await ask(here, 'a');
    await ask(there, 'b', 60_000);
    const keys = server().cli('KEYS', '*').split('\n');

    expect(keys.length).toBeGreaterThanOrEqual(5);
    for (const key of keys) expect(server().cli('TTL', key)).toBe('-1');
  });

  it('are loaded again after SCRIPT FLUSH', async () => {
    await ask(here, 'a');
    server().cli('SCRIPT', 'FLUSH');

    expect(await here.release(LOCK, 'a')).toMatchObject({ token: 1 });
  });

  it('forget nothing that is held, nor what others wait for', async () => {
    await ask(here, 'a');
    await ask(there, 'b', 60_000);
    await ask(here, 'x', 0, ROOMS);
    pass(5000);
    await here.extend(ROOMS, 'x', 60_000);
    pass(20_000);
    const [seen, waited] = await here.forget(1000, 1000, 100);

    expect([seen, waited]).toEqual([2, [LOCK]]);
    expect(await owners(ROOMS)).toEqual([['x', 40_000]]);
    await here.promote(LOCK);
    expect(server().cli('EXISTS', KEYS.lease('q', LOCK), KEYS.lease('w', LOCK))).toBe('0');
  });
});
