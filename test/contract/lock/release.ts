import { beforeEach, describe, expect, it } from '@jest/globals';
import type { CreateLockSubject, LockSubject } from '../lock-contract.js';

export function describeRelease(create: CreateLockSubject): void {
  describe('release', () => {
    let subject: LockSubject;
    beforeEach(async () => {
      subject = await create();
    });
    const lock = () => subject.cache.lock('lock', { ttl: 1000 });

    it('by another owner is false, and leaves the holder alone', async () => {
      const held = lock();
      await held.acquire();

      await expect(lock().release()).resolves.toBe(false);
      expect(held.isHeld).toBe(true);
      await expect(lock().acquire()).resolves.toBe(false);
    });

    it('a second time is false', async () => {
      const held = lock();
      await held.acquire();

      await expect(held.release()).resolves.toBe(true);
      await expect(held.release()).resolves.toBe(false);
    });

    it('of a lock that nobody ever had is false', async () => {
      await expect(lock().release()).resolves.toBe(false);
    });

    it('is no loss: the signal stays as it is', async () => {
      const held = lock();
      await held.acquire();
      const { signal } = held;
      await held.release();

      expect(signal.aborted).toBe(false);
    });

    it('that comes too late is a loss', async () => {
      const held = lock();
      await held.acquire();
      const { signal } = held;
      await lock().forceRelease();
      await held.release();

      expect(signal.reason).toMatchObject({ code: 'HC_LOCK_LOST' });
    });
  });

  describe('restoreLock', () => {
    let subject: LockSubject;
    beforeEach(async () => {
      subject = await create();
    });
    const lock = () => subject.cache.lock('lock', { ttl: 1000 });

    it('releases by the owner alone', async () => {
      const held = lock();
      await held.acquire();
      const restored = subject.cache.restoreLock('lock', held.owner);

      expect(restored.owner).toBe(held.owner);
      await expect(restored.release()).resolves.toBe(true);
      await expect(lock().acquire()).resolves.toBe(true);
    });

    it('with another owner releases nothing', async () => {
      const held = lock();
      await held.acquire();

      await expect(subject.cache.restoreLock('lock', 'other').release()).resolves.toBe(false);
      await expect(subject.cache.restoreLock('other', held.owner).release()).resolves.toBe(false);
      await expect(lock().acquire()).resolves.toBe(false);
    });

    it('extends, and knows its lease from then on', async () => {
      const held = lock();
      await held.acquire();
      const restored = subject.cache.restoreLock('lock', held.owner, { ttl: 5000 });
      expect(restored.isHeld).toBe(false);

      await expect(restored.extend()).resolves.toBe(true);
      expect([restored.isHeld, restored.token]).toEqual([true, held.token]);
      subject.advance(4999);
      await expect(lock().acquire()).resolves.toBe(false);
      subject.advance(1);
      expect(restored.isHeld).toBe(false);
      await expect(lock().acquire()).resolves.toBe(true);
    });

    it('extends nothing once the lease has ended', async () => {
      const held = lock();
      await held.acquire();
      subject.advance(1000);

      await expect(subject.cache.restoreLock('lock', held.owner).extend()).resolves.toBe(false);
    });

    it('takes a shorter lease than its default where the bound is lower', async () => {
      const { cache } = await create({ options: { maxLockTtl: 500 } });
      await cache.lock('lock', { ttl: 100, owner: 'Anna' }).acquire();

      await expect(cache.restoreLock('lock', 'Anna').extend()).resolves.toBe(true);
      await expect(cache.inspectLock('lock')).resolves.toMatchObject({ remaining: 500 });
    });
  });

  describe('forceRelease', () => {
    let subject: LockSubject;
    beforeEach(async () => {
      subject = await create();
    });
    const lock = () => subject.cache.lock('lock', { ttl: 1000 });

    it('takes the lock from whoever has it', async () => {
      await lock().acquire();

      await expect(lock().forceRelease()).resolves.toBe(true);
      await expect(lock().acquire()).resolves.toBe(true);
    });

    it('of a free lock is false', async () => {
      await expect(lock().forceRelease()).resolves.toBe(false);
      await lock().acquire();
      subject.advance(1000);
      await expect(lock().forceRelease()).resolves.toBe(false);
    });

    it("makes its old holder's release false, and leaves the next holder alone", async () => {
      const old = lock();
      await old.acquire();
      await lock().forceRelease();
      await expect(old.release()).resolves.toBe(false);
      const next = lock();
      await next.acquire();

      await expect(old.release()).resolves.toBe(false);
      await expect(old.extend()).resolves.toBe(false);
      expect(next.isHeld).toBe(true);
      await expect(lock().acquire()).resolves.toBe(false);
    });

    it('by the holder itself ends its lease', async () => {
      const held = lock();
      await held.acquire();
      const { signal } = held;

      await expect(held.forceRelease()).resolves.toBe(true);
      expect(held.isHeld).toBe(false);
      expect(signal.reason).toMatchObject({ code: 'HC_LOCK_LOST' });
    });
  });
}
