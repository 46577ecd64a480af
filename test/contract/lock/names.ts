import { describe, expect, it } from '@jest/globals';
import { eventually } from '../../support/eventually.js';
import type { CreateLockSubject } from '../lock-contract.js';

export function describeNames(create: CreateLockSubject): void {
  describe('locks', () => {
    it.each([
      ['a', 'b:c', 'a:b', 'c'],
      ['a', '1:b', 'a1:', 'b'],
      ['a', 'b\0c', 'a\0b', 'c'],
    ])('%j of owner %j is none of %j of owner %j', async (name, owner, otherName, otherOwner) => {
      const { cache, decider } = await create();
      const holder = cache.lock(name, { ttl: 60_000 });
      await holder.acquire();
      const waiting = cache.lock(name, { ttl: 60_000, owner, wait: 60_000 });
      const gotIt = waiting.acquire();
      const otherHolder = cache.lock(otherName, { ttl: 60_000 });
      await otherHolder.acquire();
      const other = cache.lock(otherName, { ttl: 60_000, owner: otherOwner, wait: 60_000 });
      const otherGotIt = other.acquire();
      await eventually(async () => {
        expect(await decider.stats()).toMatchObject({ lockWaiters: 2, queued: 0 });
      });

      await otherHolder.release();
      await expect(otherGotIt).resolves.toBe(true);
      expect([holder.isHeld, waiting.isHeld]).toEqual([true, false]);

      await holder.release();
      await expect(gotIt).resolves.toBe(true);
      expect(waiting.isHeld).toBe(true);
    });
  });

  describe('locks and entries', () => {
    it('of the same name do not meet', async () => {
      const { cache } = await create();
      const lock = cache.lock('name', { ttl: 1000 });
      const slot = cache.semaphore('name', { limit: 1, ttl: 1000 });
      await cache.set('name', 'value');

      await expect(lock.acquire()).resolves.toBe(true);
      await expect(slot.acquire()).resolves.toBe(true);
      await expect(cache.get('name')).resolves.toBe('value');
      await expect(lock.release()).resolves.toBe(true);
      expect(slot.isHeld).toBe(true);
      await expect(cache.del('name')).resolves.toBe(true);
      await expect(slot.release()).resolves.toBe(true);
    });

    it('whatever removes entries leaves locks and semaphores held', async () => {
      const { cache } = await create();
      const lock = cache.lock('a:1', { ttl: 60_000 });
      const slot = cache.semaphore('a:2', { limit: 1, ttl: 60_000 });
      await lock.acquire();
      await slot.acquire();
      await cache.set('a:1', 'value', { tags: ['tag'] });
      await cache.del('a:1');
      await cache.mdel(['a:1', 'a:2']);
      await cache.delByPrefix('a:');
      await cache.delByPrefix('');
      await cache.delByTag('tag');
      await cache.clear();

      await expect(cache.lock('a:1', { ttl: 1 }).acquire()).resolves.toBe(false);
      await expect(cache.semaphore('a:2', { limit: 1, ttl: 1 }).acquire()).resolves.toBe(false);
      await expect(lock.release()).resolves.toBe(true);
      await expect(slot.release()).resolves.toBe(true);
    });
  });
}

/** Of an engine that makes room by itself. */
export function describeSweeping(create: CreateLockSubject): void {
  describe('Locks', () => {
    it('sweeping and evicting entries leaves locks held', async () => {
      const { cache, decider } = await create({
        isRealTime: true,
        options: { maxEntries: 10, sweepInterval: 1 },
      });
      const lock = cache.lock('lock', { ttl: 60_000 });
      await lock.acquire();
      await cache.set('brief', 'value', 1);
      for (let i = 0; i < 50; i++) await cache.set(`key-${i}`, i);
      await eventually(async () => {
        const { l2 } = await decider.stats();
        expect(l2.evicted).toBeGreaterThan(30);
      });

      await expect(cache.lock('lock', { ttl: 1 }).acquire()).resolves.toBe(false);
      await expect(lock.release()).resolves.toBe(true);
    });
  });
}
