import { beforeEach, describe, expect, it } from '@jest/globals';
import type { CreateLockSubject, LockSubject } from '../lock-contract.js';

export function describeExclusion(create: CreateLockSubject): void {
  describe('exclusion', () => {
    let subject: LockSubject;
    beforeEach(async () => {
      subject = await create();
    });
    const lock = (name = 'lock') => subject.cache.lock(name, { ttl: 10_000 });

    it('gives a free lock to the first who asks, and refuses the second', async () => {
      const first = lock();
      const second = lock();

      await expect(first.acquire()).resolves.toBe(true);
      await expect(second.acquire()).resolves.toBe(false);
      expect([first.isHeld, second.isHeld]).toEqual([true, false]);
    });

    it('gives it to one of many who ask at once', async () => {
      const answers = await Promise.all(Array.from({ length: 50 }, () => lock().acquire()));

      expect(answers.filter(Boolean)).toEqual([true]);
    });

    it('refuses its holder too', async () => {
      const held = lock();
      await held.acquire();

      await expect(held.acquire()).resolves.toBe(false);
      expect(held.isHeld).toBe(true);
    });

    it('gives it again after a release', async () => {
      const first = lock();
      await first.acquire();
      await expect(first.release()).resolves.toBe(true);

      await expect(lock().acquire()).resolves.toBe(true);
      await expect(first.acquire()).resolves.toBe(false);
    });

    it('keeps names apart', async () => {
      await lock('a').acquire();

      for (const name of ['b', 'A', 'a ', 'a\0', 'ä', 'a:a']) {
        await expect(lock(name).acquire()).resolves.toBe(true);
      }
    });

    it('is the same for all caches of the node', async () => {
      await lock().acquire();

      await expect(lock().acquire()).resolves.toBe(false);
    });

    it('names every holder by 128 random bits', () => {
      const owners = Array.from({ length: 100 }, () => lock().owner);

      for (const owner of owners) expect(owner).toMatch(/^[0-9a-f]{32}$/);
      expect(new Set(owners).size).toBe(100);
    });

    it('takes the owner that it is given', async () => {
      const held = subject.cache.lock('lock', { ttl: 1000, owner: 'Anna' });
      await held.acquire();

      expect(held.owner).toBe('Anna');
      await expect(subject.cache.inspectLock('lock')).resolves.toMatchObject({ owner: 'Anna' });
    });

    it('gives a larger token with every grant of the name', async () => {
      let last = 0;
      for (let i = 0; i < 10; i++) {
        const held = lock();
        await held.acquire();
        expect(held.token).toBeGreaterThan(last);
        expect(Number.isSafeInteger(held.token)).toBe(true);
        last = Number(held.token);
        if (i % 2 === 0) await held.release();
        else subject.advance(10_000);
      }
    });

    it('tells nothing of a lease that is not held', async () => {
      const free = lock();
      expect([free.isHeld, free.token, free.expiresAt]).toEqual([false, undefined, undefined]);
      expect(free.signal.aborted).toBe(true);

      await free.acquire();
      expect(free.isHeld).toBe(true);
      expect(free.signal.aborted).toBe(false);

      await free.release();
      expect([free.isHeld, free.token, free.expiresAt]).toEqual([false, undefined, undefined]);
      expect(free.signal.aborted).toBe(true);
    });
  });
}
