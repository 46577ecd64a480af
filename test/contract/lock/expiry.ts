import { beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../../support/eventually.js';
import type { CreateLockSubject, LockSubject } from '../lock-contract.js';

export function describeExpiry(create: CreateLockSubject): void {
  describe('ttl', () => {
    let subject: LockSubject;
    beforeEach(async () => {
      subject = await create();
    });
    const lock = (ttl = 1000) => subject.cache.lock('lock', { ttl });

    it('holds until 1 ms before its end, and no longer', async () => {
      await lock().acquire();

      subject.advance(999);
      await expect(lock().acquire()).resolves.toBe(false);
      subject.advance(1);
      await expect(lock().acquire()).resolves.toBe(true);
    });

    it('holds parts of a millisecond', async () => {
      await lock(0.5).acquire();

      subject.advance(0.25);
      await expect(lock().acquire()).resolves.toBe(false);
      subject.advance(0.25);
      await expect(lock().acquire()).resolves.toBe(true);
    });

    it('is known to the handle, to the same moment', async () => {
      const held = lock();
      await held.acquire();
      const { expiresAt, signal } = held;

      subject.advance(999);
      expect([held.isHeld, held.expiresAt]).toEqual([true, expiresAt]);
      expect(signal.aborted).toBe(false);
      subject.advance(1);
      expect([held.isHeld, held.expiresAt]).toEqual([false, undefined]);
      expect(signal.reason).toMatchObject({ code: 'HC_LOCK_LOST', lock: 'lock' });
    });

    it('leaves the token with the handle that had it, for what is still to be fenced', async () => {
      const held = lock();
      await held.acquire();
      const { token } = held;
      subject.advance(1000);
      expect([held.isHeld, held.token]).toEqual([false, token]);
      const { cache } = subject;
      await cache.set('fenced', 1, { fence: { name: held.name, token: Number(held.token) } });
      const next = lock();
      await next.acquire();
      const late = { fence: { name: held.name, token: Number(held.token) } };
      await expect(cache.set('fenced', 2, late)).rejects.toMatchObject({ code: 'HC_FENCED' });

      await expect(held.acquire()).resolves.toBe(false);
      expect(held.token).toBeUndefined();
      subject.advance(1000);
      expect(next.token).toBeGreaterThan(Number(token));
      await next.release();
      expect(next.token).toBeUndefined();
    });

    it('ends whatever the holder does: its late release leaves the next holder alone', async () => {
      const late = lock();
      await late.acquire();
      subject.advance(1000);
      const next = lock();
      await next.acquire();

      await expect(late.release()).resolves.toBe(false);
      await expect(lock().acquire()).resolves.toBe(false);
      await expect(next.release()).resolves.toBe(true);
    });

    it('makes a release after it false, even when nobody else has the lock', async () => {
      const late = lock();
      await late.acquire();
      subject.advance(1000);

      await expect(late.release()).resolves.toBe(false);
    });

    describe('extend', () => {
      it('counts the ttl anew from now', async () => {
        const held = lock();
        await held.acquire();
        subject.advance(999);
        await expect(held.extend()).resolves.toBe(true);

        subject.advance(999);
        expect(held.isHeld).toBe(true);
        await expect(lock().acquire()).resolves.toBe(false);
        subject.advance(1);
        expect(held.isHeld).toBe(false);
        await expect(lock().acquire()).resolves.toBe(true);
      });

      it('takes another ttl, longer or shorter, for this time only', async () => {
        const held = lock();
        await held.acquire();
        await held.extend(5000);
        subject.advance(4999);
        expect(held.isHeld).toBe(true);

        await held.extend(10);
        subject.advance(9);
        await expect(lock().acquire()).resolves.toBe(false);
        await held.extend();
        subject.advance(999);
        await expect(lock().acquire()).resolves.toBe(false);
        subject.advance(1);
        await expect(lock().acquire()).resolves.toBe(true);
      });

      it('keeps the token and the signal', async () => {
        const held = lock();
        await held.acquire();
        const { token, signal } = held;
        await held.extend();

        expect(held.token).toBe(token);
        expect(held.signal).toBe(signal);
      });

      it('is false for an owner whose lease has ended', async () => {
        const held = lock();
        await held.acquire();
        const { signal } = held;
        subject.advance(1000);

        await expect(held.extend()).resolves.toBe(false);
        expect(held.isHeld).toBe(false);
        expect(signal.reason).toMatchObject({ code: 'HC_LOCK_LOST' });
        await expect(lock().acquire()).resolves.toBe(true);
      });

      it('is false for strangers, and leaves the holder alone', async () => {
        const held = lock();
        await held.acquire();
        subject.advance(999);
        await expect(lock(60_000).extend()).resolves.toBe(false);

        subject.advance(1);
        expect(held.isHeld).toBe(false);
        await expect(lock().acquire()).resolves.toBe(true);
      });

      it('does not bring back a lease that was released while it was under way', async () => {
        const held = lock();
        await held.acquire();
        const extended = held.extend();
        await held.release();
        await extended;

        expect(held.isHeld).toBe(false);
        expect(held.signal.aborted).toBe(true);
        await expect(lock().acquire()).resolves.toBe(true);
      });

      it('to a shorter ttl serves those who wait at the new end', async () => {
        const held = lock(60_000);
        await held.acquire();
        const waiting = lock().acquire({ wait: 5000 });
        await eventually(async () => {
          expect(await subject.cache.stats()).toMatchObject({ lockWaiters: 1, queued: 0 });
        });
        await held.extend(10);
        subject.advance(10);

        await expect(waiting).resolves.toBe(true);
      });
    });
  });
}
