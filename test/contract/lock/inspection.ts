import { beforeEach, describe, expect, it } from '@jest/globals';
import type { CreateLockSubject, LockSubject } from '../lock-contract.js';

export function describeInspection(create: CreateLockSubject): void {
  describe('inspection', () => {
    let subject: LockSubject;
    beforeEach(async () => {
      subject = await create();
    });

    it('tells who holds a lock, with which token, for how long', async () => {
      const held = subject.cache.lock('lock', { ttl: 1000 });
      await held.acquire();
      subject.advance(400);

      await expect(subject.cache.inspectLock('lock')).resolves.toEqual({
        kind: 'lock',
        name: 'lock',
        owner: held.owner,
        token: held.token,
        remaining: 600,
      });
    });

    it('tells nothing of a lock that is free', async () => {
      const { cache } = subject;
      const held = cache.lock('lock', { ttl: 1000 });
      await expect(cache.inspectLock('lock')).resolves.toBeUndefined();
      await held.acquire();
      await held.release();
      await expect(cache.inspectLock('lock')).resolves.toBeUndefined();
      await held.acquire();
      subject.advance(1000);
      await expect(cache.inspectLock('lock')).resolves.toBeUndefined();
    });

    it('sees what was asked for before', async () => {
      const { cache } = subject;
      void cache.lock('lock', { ttl: 1000, owner: 'Anna' }).acquire();

      await expect(cache.inspectLock('lock')).resolves.toMatchObject({ owner: 'Anna' });
    });

    it('lists what is held, and nothing else', async () => {
      const { cache } = subject;
      await cache.lock('ended', { ttl: 100 }).acquire();
      subject.advance(100);
      for (const name of ['b', 'a']) await cache.lock(name, { ttl: 1000, owner: name }).acquire();
      for (const owner of ['x', 'y']) {
        await cache.semaphore('a', { limit: 2, ttl: 500, owner }).acquire();
      }
      const released = cache.lock('released', { ttl: 1000 });
      await released.acquire();
      await released.release();

      const locks = await cache.locks();
      expect(
        locks.map(({ kind, name, owner, remaining }) => [kind, name, owner, remaining]),
      ).toEqual([
        ['lock', 'a', 'a', 1000],
        ['lock', 'b', 'b', 1000],
        ['semaphore', 'a', 'x', 500],
        ['semaphore', 'a', 'y', 500],
      ]);
    });
  });
}
