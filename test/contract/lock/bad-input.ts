import { beforeEach, describe, expect, it } from '@jest/globals';
import type { LockOptions, SemaphoreOptions } from '../../../lib/locks/lock-factory.js';
import type { CreateLockSubject, LockSubject } from '../lock-contract.js';

const DAY = 86_400_000;

const refused = (code: string) => expect.objectContaining({ code });

export function describeBadInput(create: CreateLockSubject): void {
  describe('bad input', () => {
    let subject: LockSubject;
    beforeEach(async () => {
      subject = await create();
    });
    /** As a caller without types would. */
    const make = (name: unknown, options: unknown) => () =>
      subject.cache.lock(name as string, options as LockOptions);

    it.each([
      ['missing', undefined],
      ['0', 0],
      ['negative', -1],
      ['NaN', NaN],
      ['infinite', Infinity],
      ['over 24 h', DAY + 1],
      ['a string', '1000'],
      ['null', null],
    ])('a ttl that is %s is refused', async (_what, ttl) => {
      expect(make('lock', { ttl })).toThrow(refused('HC_ARGUMENT_INVALID'));
      const held = subject.cache.lock('lock', { ttl: 1000 });
      await held.acquire();
      if (ttl !== undefined) {
        await expect(held.extend(ttl as number)).rejects.toEqual(refused('HC_ARGUMENT_INVALID'));
      }
      await expect(subject.cache.inspectLock('lock')).resolves.toMatchObject({ remaining: 1000 });
    });

    it('no options at all are refused', () => {
      expect(make('lock', undefined)).toThrow(refused('HC_ARGUMENT_INVALID'));
      expect(make('lock', null)).toThrow(refused('HC_ARGUMENT_INVALID'));
    });

    it('the longest ttl is 24 h, or what the options say', async () => {
      expect(make('lock', { ttl: DAY })).not.toThrow();
      const { cache } = await create({ options: { maxLockTtl: 500 } });

      expect(() => cache.lock('lock', { ttl: 500 })).not.toThrow();
      expect(() => cache.lock('lock', { ttl: 501 })).toThrow(refused('HC_ARGUMENT_INVALID'));
    });

    it.each([
      ['empty', ''],
      ['over 1024 bytes', 'ä'.repeat(513)],
      ['not well-formed', 'a\ud800'],
      ['a number', 7],
      ['undefined', undefined],
      ['an object', {}],
    ])('a name that is %s is refused', async (_what, name) => {
      const { cache } = subject;
      expect(make(name, { ttl: 1000 })).toThrow(refused('HC_KEY_INVALID'));
      expect(() => cache.semaphore(name as string, { ttl: 1000, limit: 1 })).toThrow(
        refused('HC_KEY_INVALID'),
      );
      expect(() => cache.restoreLock(name as string, 'owner')).toThrow(refused('HC_KEY_INVALID'));
      await expect(cache.inspectLock(name as string)).rejects.toEqual(refused('HC_KEY_INVALID'));
    });

    it('a name of 1024 bytes is accepted', async () => {
      await expect(subject.cache.lock('ä'.repeat(512), { ttl: 1000 }).acquire()).resolves.toBe(
        true,
      );
    });

    it.each([
      ['negative', -1],
      ['NaN', NaN],
      ['infinite', Infinity],
      ['longer than a timer', 2 ** 31],
      ['a string', '5'],
      ['null', null],
    ])('a wait that is %s is refused', async (_what, wait) => {
      expect(make('lock', { ttl: 1000, wait })).toThrow(refused('HC_ARGUMENT_INVALID'));
      const lock = subject.cache.lock('lock', { ttl: 1000 });
      const options = { wait: wait as number };
      await expect(lock.acquire(options)).rejects.toEqual(refused('HC_ARGUMENT_INVALID'));
      await expect(lock.run(() => 1, options)).rejects.toEqual(refused('HC_ARGUMENT_INVALID'));
      await expect(lock.hold(options)).rejects.toEqual(refused('HC_ARGUMENT_INVALID'));
      await expect(subject.cache.locks()).resolves.toEqual([]);
    });

    it.each([
      ['0', 0],
      ['negative', -1],
      ['NaN', NaN],
      ['a string', '5'],
      ['null', null],
    ])('a maxHold that is %s is refused', (_what, maxHold) => {
      expect(make('lock', { ttl: 1000, maxHold })).toThrow(refused('HC_ARGUMENT_INVALID'));
    });

    it.each([
      ['empty', ''],
      ['over 256 characters', 'x'.repeat(257)],
      ['not well-formed', '\udc00'],
      ['a number', 7],
      ['null', null],
    ])('an owner that is %s is refused', (_what, owner) => {
      expect(make('lock', { ttl: 1000, owner })).toThrow(refused('HC_ARGUMENT_INVALID'));
      expect(() => subject.cache.restoreLock('lock', owner as string)).toThrow(
        refused('HC_ARGUMENT_INVALID'),
      );
    });

    it('a restored lock needs its owner', () => {
      expect(() => subject.cache.restoreLock('lock', undefined as never)).toThrow(
        refused('HC_ARGUMENT_INVALID'),
      );
    });

    it.each([
      ['missing', undefined],
      ['0', 0],
      ['negative', -1],
      ['a fraction', 1.5],
      ['NaN', NaN],
      ['over 1000', 1001],
      ['a string', '3'],
    ])('a limit that is %s is refused', (_what, limit) => {
      const options = { ttl: 1000, limit } as SemaphoreOptions;
      expect(() => subject.cache.semaphore('semaphore', options)).toThrow(
        refused('HC_ARGUMENT_INVALID'),
      );
    });

    it('tells what to write instead', () => {
      expect(make('lock', { ttl: -5 })).toThrow(/The ttl of the lock is -5\. .*above 0/);
    });
  });
}
