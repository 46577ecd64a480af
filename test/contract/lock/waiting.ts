import { beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../../support/eventually.js';
import type { CreateLockSubject, LockSubject } from '../lock-contract.js';

export function describeWaiting(create: CreateLockSubject): void {
  describe('wait', () => {
    let subject: LockSubject;
    beforeEach(async () => {
      subject = await create({ isRealTime: true });
    });
    const lock = (ttl = 60_000) => subject.cache.lock('lock', { ttl });
    const untilQueued = (waiters: number) =>
      eventually(async () => {
        const { lockWaiters, queued } = await subject.cache.stats();
        expect({ lockWaiters, queued }).toEqual({ lockWaiters: waiters, queued: 0 });
      });

    it('takes a free lock at once', async () => {
      await expect(lock().acquire({ wait: 60_000 })).resolves.toBe(true);
    });

    it('gets the lock when it is released', async () => {
      const held = lock();
      await held.acquire();
      const waiting = lock();
      const isAcquired = waiting.acquire({ wait: 60_000 });
      await untilQueued(1);
      await held.release();

      await expect(isAcquired).resolves.toBe(true);
      expect(waiting.isHeld).toBe(true);
      await untilQueued(0);
    });

    it('gets the lock when its lease ends: not before, and soon after', async () => {
      const start = performance.now();
      await lock(150).acquire();
      await expect(lock().acquire({ wait: 60_000 })).resolves.toBe(true);
      const waited = performance.now() - start;

      expect(waited).toBeGreaterThanOrEqual(150);
      expect(waited).toBeLessThan(5000);
    });

    it('gets the lock when it is released by force', async () => {
      await lock().acquire();
      const isAcquired = lock().acquire({ wait: 60_000 });
      await untilQueued(1);
      await lock().forceRelease();

      await expect(isAcquired).resolves.toBe(true);
    });

    it('goes on when the holder extends', async () => {
      const ttl = 500;
      const held = lock(ttl);
      await held.acquire();
      const waiting = lock().acquire({ wait: 60_000 });
      await untilQueued(1);
      await held.extend(60_000);
      const start = performance.now();
      await expect(lock().acquire({ wait: 1.2 * ttl })).resolves.toBe(false);
      expect(performance.now() - start).toBeGreaterThan(ttl);

      expect(held.isHeld).toBe(true);
      await held.release();
      await expect(waiting).resolves.toBe(true);
    });

    it('serves first come, first served', async () => {
      const held = lock();
      await held.acquire();
      const served: number[] = [];
      const waiting = Array.from({ length: 30 }, async (_, i) => {
        const next = lock();
        await next.run(() => served.push(i), { wait: 60_000 });
      });
      await untilQueued(30);
      await held.release();
      await Promise.all(waiting);

      expect(served).toEqual(Array.from({ length: 30 }, (_, i) => i));
    });

    it('is not overtaken by those who do not wait', async () => {
      const held = lock();
      await held.acquire();
      const waiting = lock().acquire({ wait: 60_000 });
      await untilQueued(1);
      const released = held.release();
      const overtaking = lock().acquire();

      await expect(released).resolves.toBe(true);
      await expect(overtaking).resolves.toBe(false);
      await expect(waiting).resolves.toBe(true);
    });

    it('ends after its time, with false or a typed error', async () => {
      await lock().acquire();
      const start = performance.now();
      await expect(lock().acquire({ wait: 50 })).resolves.toBe(false);
      await expect(lock().tryRun(() => 'called', { wait: 50 })).resolves.toBeUndefined();
      await expect(lock().run(() => 'called', { wait: 50 })).rejects.toMatchObject({
        code: 'HC_LOCK_TIMEOUT',
        message: expect.stringContaining('50 ms'),
      });
      await expect(lock().hold({ wait: 50 })).rejects.toMatchObject({ code: 'HC_LOCK_TIMEOUT' });

      // Timers may come a millisecond early.
      expect(performance.now() - start).toBeGreaterThanOrEqual(4 * 49);
      await untilQueued(0);
    });

    it('that has ended leaves the queue', async () => {
      const held = lock();
      await held.acquire();
      const inVain = lock().acquire({ wait: 30 });
      const behind = lock().acquire({ wait: 60_000 });
      await expect(inVain).resolves.toBe(false);
      await held.release();

      await expect(behind).resolves.toBe(true);
    });

    it("of the lock is its verbs' default", async () => {
      const held = lock();
      await held.acquire();
      const patient = subject.cache.lock('lock', { ttl: 60_000, wait: 60_000 });
      await expect(patient.acquire({ wait: 0 })).resolves.toBe(false);
      const waiting = patient.run(() => 'called');
      await untilQueued(1);
      await held.release();

      await expect(waiting).resolves.toBe('called');
    });

    it('ends when it is aborted, and leaves the queue', async () => {
      const held = lock();
      await held.acquire();
      const controller = new AbortController();
      const aborted = lock().acquire({ wait: 60_000, signal: controller.signal });
      const behind = lock().acquire({ wait: 60_000 });
      await untilQueued(2);
      controller.abort(new Error('enough'));

      await expect(aborted).rejects.toThrow('enough');
      await untilQueued(1);
      await held.release();
      await expect(behind).resolves.toBe(true);
    });

    it('does not begin when it is aborted before', async () => {
      const signal = AbortSignal.abort(new Error('enough'));

      await expect(lock().acquire({ wait: 60_000, signal })).rejects.toThrow('enough');
      await expect(lock().acquire({ signal })).rejects.toThrow('enough');
      await expect(lock().run(() => 'called', { signal })).rejects.toThrow('enough');
      await expect(subject.cache.inspectLock('lock')).resolves.toBeUndefined();
    });

    it.each([
      ['just before', true],
      ['just after', false],
    ])('that is aborted %s its grant passes the lock on', async (_when, isBefore) => {
      const held = lock();
      await held.acquire();
      const controller = new AbortController();
      const aborted = lock().acquire({ wait: 60_000, signal: controller.signal });
      const behind = lock().acquire({ wait: 60_000 });
      await untilQueued(2);
      if (isBefore) controller.abort(new Error('enough'));
      void held.release();
      if (!isBefore) controller.abort(new Error('enough'));

      await expect(aborted).rejects.toThrow('enough');
      await expect(behind).resolves.toBe(true);
    });

    it('leaves the lock free when the only one who waited has gone', async () => {
      const held = lock();
      await held.acquire();
      const controller = new AbortController();
      const aborted = lock().acquire({ wait: 60_000, signal: controller.signal });
      await untilQueued(1);
      void held.release();
      controller.abort(new Error('enough'));
      await expect(aborted).rejects.toThrow('enough');

      await expect(lock().acquire()).resolves.toBe(true);
    });

    it('passes on a lock whose next holder does nothing', async () => {
      const held = lock();
      await held.acquire();
      const idle = lock(500).acquire({ wait: 60_000 });
      const behind = lock().acquire({ wait: 60_000 });
      await untilQueued(2);
      await held.release();

      await expect(idle).resolves.toBe(true);
      await expect(behind).resolves.toBe(true);
    });
  });
}
