import { beforeEach, describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { abortOf } from '../../support/abort-of.js';
import { eventually } from '../../support/eventually.js';
import type { CreateLockSubject, LockSubject } from '../lock-contract.js';

/** Long enough for a busy machine to renew in time. */
const TTL = 600;

/** What a busy machine may come late by, in ms. */
const BUSY = 5000;

export function describeRenewal(create: CreateLockSubject): void {
  describe('renew', () => {
    let subject: LockSubject;
    beforeEach(async () => {
      subject = await create({ isRealTime: true });
    });
    const remaining = async () => (await subject.cache.inspectLock('lock'))?.remaining;

    it('extends at a third of the ttl, for as long as the lock is held', async () => {
      const held = subject.cache.lock('lock', { ttl: TTL, renew: true });
      await held.acquire();
      const seen: number[] = [];
      const end = performance.now() + 2 * TTL;
      while (performance.now() < end) {
        seen.push(Number(await remaining()));
        await delay(10);
      }

      expect(held.isHeld).toBe(true);
      // With the renewal at a third, two thirds are left at least; a busy machine comes later.
      expect(Math.min(...seen)).toBeGreaterThan(TTL / 3);
      expect(seen.filter((left, i) => left > (seen[i - 1] ?? left)).length).toBeGreaterThan(3);
      await expect(held.release()).resolves.toBe(true);
    });

    it('stops at the release: the next holder has its own time', async () => {
      const held = subject.cache.lock('lock', { ttl: 150, renew: true });
      await held.acquire();
      await delay(80);
      await held.release();
      const next = subject.cache.lock('lock', { ttl: 200 });
      await next.acquire();
      const { signal } = next;
      await abortOf(signal);

      expect(signal.reason).toMatchObject({ code: 'HC_LOCK_LOST' });
      // Who decides counts from when the request came, which is later.
      await eventually(() => expect(remaining()).resolves.toBeUndefined());
    });

    it('stops at maxHold: the lease ends, and the signal tells', async () => {
      const start = performance.now();
      const held = subject.cache.lock('lock', { ttl: TTL, renew: true, maxHold: 700 });
      await held.acquire();
      const { signal } = held;
      await abortOf(signal);
      const heldFor = performance.now() - start;

      expect(signal.reason).toMatchObject({ code: 'HC_LOCK_LOST' });
      // The last renewal comes at 700 ms at the latest.
      expect(heldFor).toBeGreaterThanOrEqual(700);
      expect(heldFor).toBeLessThan(700 + TTL + BUSY);
      await eventually(async () => expect(await remaining()).toBeUndefined());
    });

    it('aborts the signal as soon as a renewal finds the lease lost', async () => {
      const held = subject.cache.lock('lock', { ttl: 60_000, renew: true });
      const short = subject.cache.lock('short', { ttl: 300, renew: true });
      await held.acquire();
      await short.acquire();
      const { signal } = short;
      await subject.cache.lock('short', { ttl: 1 }).forceRelease();
      await abortOf(signal);

      expect(signal.reason).toMatchObject({ code: 'HC_LOCK_LOST', lock: 'short' });
      expect(short.isHeld).toBe(false);
      expect(held.isHeld).toBe(true);
      await held.release();
    });

    it('keeps the lock for work that takes longer than the ttl', async () => {
      const lock = subject.cache.lock('lock', { ttl: TTL, renew: true });
      const result = await lock.run(async ({ signal }) => {
        await delay(2 * TTL);
        return signal.aborted;
      });

      expect(result).toBe(false);
    });

    it('left out lets the lease end, and the signal tells by itself', async () => {
      const start = performance.now();
      const held = subject.cache.lock('lock', { ttl: 100 });
      await held.acquire();
      const { signal } = held;
      await abortOf(signal);
      const heldFor = performance.now() - start;

      expect(signal.reason).toMatchObject({ code: 'HC_LOCK_LOST' });
      expect(heldFor).toBeGreaterThanOrEqual(100);
      expect(heldFor).toBeLessThan(100 + BUSY);
      await expect(held.release()).resolves.toBe(false);
    });
  });
}
