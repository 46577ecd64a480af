import { beforeEach, describe, expect, it } from '@jest/globals';
import { deferred } from '../../support/deferred.js';
import { eventually } from '../../support/eventually.js';
import type { CreateLockSubject, LockSubject } from '../lock-contract.js';

export function describeSemaphore(create: CreateLockSubject): void {
  describe('semaphore', () => {
    let subject: LockSubject;
    beforeEach(async () => {
      subject = await create();
    });
    const slot = (limit = 3, name = 'semaphore') =>
      subject.cache.semaphore(name, { limit, ttl: 1000 });

    it('has as many slots as its limit', async () => {
      const slots = Array.from({ length: 5 }, () => slot());
      const answers = await Promise.all(slots.map((one) => one.acquire()));

      expect(answers).toEqual([true, true, true, false, false]);
      expect(new Set(slots.slice(0, 3).map(({ token }) => token)).size).toBe(3);
    });

    it('with a limit of 1 is a lock', async () => {
      await expect(slot(1).acquire()).resolves.toBe(true);
      await expect(slot(1).acquire()).resolves.toBe(false);
    });

    it('gives a released slot again, with a larger token', async () => {
      const slots = [slot(), slot(), slot()];
      for (const one of slots) await one.acquire();
      const last = Math.max(...slots.map(({ token }) => Number(token)));
      await slots[1]?.release();
      const next = slot();

      await expect(next.acquire()).resolves.toBe(true);
      expect(next.token).toBeGreaterThan(last);
      await expect(slot().acquire()).resolves.toBe(false);
    });

    it('gives a slot again whose lease has ended, and no other', async () => {
      const slots = [slot(), slot()];
      await slots[0]?.acquire();
      subject.advance(500);
      await slots[1]?.acquire();
      await slot().acquire();
      subject.advance(500);

      await expect(slot().acquire()).resolves.toBe(true);
      await expect(slot().acquire()).resolves.toBe(false);
      await expect(slots[0]?.release()).resolves.toBe(false);
      await expect(slots[1]?.release()).resolves.toBe(true);
    });

    it('frees its slot when a task ends or throws', async () => {
      await slot(1).run(() => 'result');
      await expect(
        slot(1).run(() => {
          throw new Error('mine');
        }),
      ).rejects.toThrow('mine');

      await expect(slot(1).acquire()).resolves.toBe(true);
    });

    it('never runs more tasks at once than its limit, and runs all', async () => {
      let running = 0;
      let most = 0;
      const task = async (): Promise<void> => {
        most = Math.max(most, ++running);
        await slot(1, 'unrelated').tryRun(() => undefined);
        running--;
      };
      await Promise.all(Array.from({ length: 40 }, () => slot().run(task, { wait: 60_000 })));

      expect(most).toBe(3);
      await expect(subject.cache.locks()).resolves.toEqual([]);
    });

    it('serves first come, first served', async () => {
      const held = [slot(2), slot(2)];
      for (const one of held) await one.acquire();
      const served: number[] = [];
      const done = deferred<void>();
      const waiting = [0, 1, 2, 3].map((i) =>
        slot(2).run(
          async () => {
            served.push(i);
            await done.promise;
          },
          { wait: 60_000 },
        ),
      );
      await eventually(async () => {
        expect(await subject.cache.stats()).toMatchObject({ lockWaiters: 4, queued: 0 });
      });
      for (const one of held) await one.release();
      await eventually(() => expect(served).toEqual([0, 1]));
      done.resolve();
      await Promise.all(waiting);

      expect(served).toEqual([0, 1, 2, 3]);
    });

    it('keeps names apart', async () => {
      await slot(1, 'a').acquire();

      await expect(slot(1, 'a').acquire()).resolves.toBe(false);
      await expect(slot(1, 'b').acquire()).resolves.toBe(true);
    });

    it('extends and releases one slot only', async () => {
      const [one, other] = [slot(2), slot(2)];
      await one.acquire();
      await other.acquire();
      subject.advance(500);
      await one.extend();
      subject.advance(500);

      expect([one.isHeld, other.isHeld]).toEqual([true, false]);
      await expect(slot(2).acquire()).resolves.toBe(true);
      await expect(slot(2).acquire()).resolves.toBe(false);
    });

    describe('to an owner who is there already', () => {
      const named = (owner: string) =>
        subject.cache.semaphore('semaphore', { limit: 2, ttl: 1000, owner });
      const refused = { code: 'HC_ARGUMENT_INVALID' };

      it.each([0, 60_000])('gives no second slot, with %i ms to wait', async (wait) => {
        const [one, again] = [named('Anna'), named('Anna')];
        await one.acquire();
        for (const handle of [again, one]) {
          const acquired = handle.acquire({ wait });
          if (wait > 0) await expect(acquired).rejects.toMatchObject(refused);
          else await expect(acquired).resolves.toBe(false);
        }
        const others = [named('Bert'), named('Carl')];

        expect([await others[0]?.acquire(), await others[1]?.acquire()]).toEqual([true, false]);
        expect([again.isHeld, one.isHeld]).toEqual([false, true]);
        await expect(one.release()).resolves.toBe(true);
        await expect(others[1]?.acquire()).resolves.toBe(true);
      });

      it('gives a slot when the one before was released, or has ended', async () => {
        const one = named('Anna');
        await one.acquire();
        await one.release();
        await expect(named('Anna').acquire()).resolves.toBe(true);
        subject.advance(1000);
        await expect(named('Anna').acquire()).resolves.toBe(true);
      });

      it('gives no second place in the queue', async () => {
        const held = [named('Bert'), named('Carl')];
        for (const one of held) await one.acquire();
        const waiting = named('Anna').acquire({ wait: 60_000 });
        await eventually(async () => {
          expect(await subject.decider.stats()).toMatchObject({ lockWaiters: 1, queued: 0 });
        });
        await expect(named('Anna').acquire()).resolves.toBe(false);
        await expect(named('Anna').acquire({ wait: 60_000 })).rejects.toMatchObject(refused);
        for (const one of held) await one.release();

        await expect(waiting).resolves.toBe(true);
        await expect(named('Dora').acquire()).resolves.toBe(true);
        await expect(named('Emil').acquire()).resolves.toBe(false);
      });
    });

    it('is emptied by force', async () => {
      const slots = [slot(), slot(), slot()];
      for (const one of slots) await one.acquire();

      await expect(slot().forceRelease()).resolves.toBe(true);
      for (const one of slots) await expect(one.release()).resolves.toBe(false);
      await expect(slot().forceRelease()).resolves.toBe(false);
    });
  });
}
