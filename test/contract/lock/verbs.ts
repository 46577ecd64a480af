import { beforeEach, describe, expect, it } from '@jest/globals';
import { deferred } from '../../support/deferred.js';
import type { CreateLockSubject, LockSubject } from '../lock-contract.js';

export function describeVerbs(create: CreateLockSubject): void {
  describe('run', () => {
    let subject: LockSubject;
    beforeEach(async () => {
      subject = await create();
    });
    const lock = () => subject.cache.lock('lock', { ttl: 1000 });
    const isFree = () => subject.cache.inspectLock('lock').then((held) => held === undefined);

    it('holds the lock during the callback, and resolves to its result', async () => {
      const held = lock();
      const result = await held.run(async ({ signal, token }) => {
        expect(signal.aborted).toBe(false);
        expect([held.isHeld, held.token]).toEqual([true, token]);
        await expect(lock().acquire()).resolves.toBe(false);
        return 'result';
      });

      expect(result).toBe('result');
      await expect(isFree()).resolves.toBe(true);
    });

    it.each([
      [
        'throws',
        () => {
          throw new Error('mine');
        },
      ],
      ['rejects', () => Promise.reject(new Error('mine'))],
    ])('releases when the callback %s', async (_how, callback) => {
      await expect(lock().run(callback)).rejects.toThrow('mine');

      await expect(isFree()).resolves.toBe(true);
    });

    it('does not call the callback when another has the lock', async () => {
      await lock().acquire();
      const calls: unknown[] = [];

      await expect(lock().run((context) => calls.push(context))).rejects.toMatchObject({
        code: 'HC_LOCK_TIMEOUT',
        lock: 'lock',
      });
      expect(calls).toEqual([]);
    });

    it('rejects when the lease ended before the callback did', async () => {
      const next = lock();
      const running = lock().run(async ({ signal }) => {
        subject.advance(1000);
        await next.acquire();
        return signal.aborted;
      });

      await expect(running).rejects.toMatchObject({ code: 'HC_LOCK_LOST', lock: 'lock' });
      expect(next.isHeld).toBe(true);
      await expect(lock().acquire()).resolves.toBe(false);
    });

    it("rejects with the callback's own error, lost or not", async () => {
      const running = lock().run(() => {
        subject.advance(1000);
        throw new Error('mine');
      });

      await expect(running).rejects.toThrow('mine');
    });

    it('lets the next have it although a callback never ends', async () => {
      const started = deferred<AbortSignal>();
      const stuck = lock();
      void stuck.run(({ signal }) => {
        started.resolve(signal);
        return new Promise(() => undefined);
      });
      const signal = await started.promise;
      subject.advance(1000);

      await expect(lock().acquire()).resolves.toBe(true);
      expect(stuck.isHeld).toBe(false);
      expect(signal.reason).toMatchObject({ code: 'HC_LOCK_LOST' });
    });

    it('can be repeated on one handle', async () => {
      const handle = lock();
      const tokens = [
        await handle.run(({ token }) => token),
        await handle.run(({ token }) => token),
      ];

      expect(tokens[1]).toBeGreaterThan(Number(tokens[0]));
    });
  });

  describe('tryRun', () => {
    let subject: LockSubject;
    beforeEach(async () => {
      subject = await create();
    });
    const lock = () => subject.cache.lock('lock', { ttl: 1000 });

    it('resolves to the result of the callback, and releases', async () => {
      await expect(lock().tryRun(() => 'result')).resolves.toBe('result');
      await expect(lock().acquire()).resolves.toBe(true);
    });

    it('resolves to undefined, without a call, when another has the lock', async () => {
      await lock().acquire();
      const calls: unknown[] = [];

      await expect(lock().tryRun((context) => calls.push(context))).resolves.toBeUndefined();
      expect(calls).toEqual([]);
    });

    it('releases when the callback throws', async () => {
      const failing = lock().tryRun(() => {
        throw new Error('mine');
      });

      await expect(failing).rejects.toThrow('mine');
      await expect(lock().acquire()).resolves.toBe(true);
    });

    it('rejects when the lease ended before the callback did', async () => {
      const running = lock().tryRun(() => subject.advance(1000));

      await expect(running).rejects.toMatchObject({ code: 'HC_LOCK_LOST' });
    });
  });

  describe('hold', () => {
    let subject: LockSubject;
    beforeEach(async () => {
      subject = await create();
    });
    const lock = () => subject.cache.lock('lock', { ttl: 1000 });

    it('releases at the end of the scope', async () => {
      {
        await using held = await lock().hold();
        expect(held.isHeld).toBe(true);
        await expect(lock().acquire()).resolves.toBe(false);
      }
      await expect(lock().acquire()).resolves.toBe(true);
    });

    it('releases when the scope is left by an error', async () => {
      const failing = async (): Promise<void> => {
        await using held = await lock().hold();
        throw new Error(`mine, with ${held.name}`);
      };

      await expect(failing()).rejects.toThrow('mine, with lock');
      await expect(lock().acquire()).resolves.toBe(true);
    });

    it('can be released before', async () => {
      const next = lock();
      {
        await using held = await lock().hold();
        await held.release();
        await next.acquire();
      }
      expect(next.isHeld).toBe(true);
      await expect(lock().acquire()).resolves.toBe(false);
    });

    it('rejects when another has the lock', async () => {
      await lock().acquire();

      await expect(lock().hold()).rejects.toMatchObject({ code: 'HC_LOCK_TIMEOUT' });
    });
  });
}
