import { beforeEach, describe, expect, it } from '@jest/globals';
import type { CreateLockSubject, LockSubject } from '../lock-contract.js';

export function describeFencing(create: CreateLockSubject): void {
  describe('fence', () => {
    let subject: LockSubject;
    beforeEach(async () => {
      subject = await create();
    });

    /** A lock that is acquired, and what fences a write under it. */
    const acquire = async (name = 'lock') => {
      const lock = subject.cache.lock(name, { ttl: 1000 });
      await lock.acquire();
      return { lock, fence: { name, token: Number(lock.token) } };
    };
    const FENCED = { code: 'HC_FENCED', lock: 'lock' };

    it('lets the holder write', async () => {
      const { fence } = await acquire();
      await subject.cache.set('key', 'value', { fence });

      await expect(subject.cache.get('key')).resolves.toBe('value');
    });

    it('refuses a write when a later token was granted, and stores nothing of it', async () => {
      const { cache } = subject;
      const { fence } = await acquire();
      await cache.set('key', 'old', { ttl: 5000, tags: ['old'] });
      const before = await cache.getWithRevision('key');
      subject.advance(1000);
      await acquire();

      const write = cache.set('key', 'new', { fence, ttl: 60_000, tags: ['new'] });
      await expect(write).rejects.toMatchObject({ ...FENCED, token: fence.token });
      await expect(cache.getWithRevision('key')).resolves.toEqual(before);
      await expect(cache.get('key')).resolves.toBe('old');
      await expect(cache.delByTag('new')).resolves.toBe(0);
      subject.advance(4000);
      await expect(cache.get('key')).resolves.toBeUndefined();
    });

    it('refuses it as well after the later holder has released', async () => {
      const { fence, lock } = await acquire();
      await lock.forceRelease();
      const later = await acquire();
      await later.lock.release();

      await expect(subject.cache.set('key', 'new', { fence })).rejects.toMatchObject(FENCED);
      await expect(subject.cache.has('key')).resolves.toBe(false);
    });

    it('lets a write pass whose lease has ended while nobody else had the lock', async () => {
      const { fence } = await acquire();
      subject.advance(5000);
      await subject.cache.set('key', 'value', { fence });

      await expect(subject.cache.get('key')).resolves.toBe('value');
    });

    it('judges in the order of the calls, grants of the same turn included', async () => {
      const { fence } = await acquire();
      subject.advance(1000);
      const early = subject.cache.set('early', 'value', { fence });
      const next = acquire();
      const late = subject.cache.set('late', 'value', { fence });

      await early;
      await next;
      await expect(late).rejects.toMatchObject(FENCED);
      await expect(subject.cache.mget(['early', 'late'])).resolves.toEqual(['value', undefined]);
    });

    it('refuses one write alone, whatever is written with it', async () => {
      const { fence } = await acquire();
      subject.advance(1000);
      await acquire();
      const writes = await Promise.allSettled([
        subject.cache.set('a', 1),
        subject.cache.set('b', 2, { fence }),
        subject.cache.set('c', 3),
      ]);

      expect(writes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      await expect(subject.cache.mget(['a', 'b', 'c'])).resolves.toEqual([1, undefined, 3]);
    });

    it('looks at its own lock only', async () => {
      const { fence } = await acquire('mine');
      await acquire('other');
      await subject.cache.semaphore('mine', { limit: 1, ttl: 1000 }).acquire();
      await subject.cache.set('key', 'value', { fence });

      await expect(subject.cache.get('key')).resolves.toBe('value');
    });

    it.each([
      ['no name', { token: 1 }, 'HC_KEY_INVALID'],
      ['an empty name', { name: '', token: 1 }, 'HC_KEY_INVALID'],
      ['no token', { name: 'lock' }, 'HC_ARGUMENT_INVALID'],
      ['a token of another type', { name: 'lock', token: '1' }, 'HC_ARGUMENT_INVALID'],
      ['a fraction', { name: 'lock', token: 1.5 }, 'HC_ARGUMENT_INVALID'],
      ['null', null, 'HC_KEY_INVALID'],
    ])('with %s is refused', async (_what, fence, code) => {
      const write = async () => subject.cache.set('key', 'value', { fence: fence as never });

      await expect(write()).rejects.toMatchObject({ code });
      await expect(subject.cache.has('key')).resolves.toBe(false);
    });
  });
}
