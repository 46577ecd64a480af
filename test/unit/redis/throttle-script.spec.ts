import { beforeEach, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { ThrottleCommand } from '../../../lib/engine/command.js';
import {
  decideThrottle,
  type ThrottleLimits,
  type ThrottleState,
} from '../../../lib/engine/throttle.js';
import type { ClientLink } from '../../../lib/redis/client-link.js';
import { resetThrottle, throttle } from '../../../lib/redis/throttle-executor.js';
import { KEYS, useRedisLinks } from '../../support/redis-links.js';
import { describeOnServers } from '../../support/redis-suites.js';

const START = Date.UTC(2026, 0, 1);

const SLIDING: ThrottleLimits = { limit: 3, ttl: 1000, blockDuration: 0, window: 'sliding' };

describeOnServers('The script of throttles', (server) => {
  const links = useRedisLinks();
  let link: ClientLink;
  let now: number;
  beforeEach(async () => {
    now = START;
    server().setClock(now);
    link = await links.link(server());
  });
  const pass = (ms: number): void => server().setClock((now += ms));
  const hit = (limits: ThrottleLimits, key = 'key', name = 'default') => {
    const command: ThrottleCommand = { kind: 'throttle', throttle: { key, name }, limits };
    return throttle(link, KEYS, command);
  };
  const reset = (key: string, name?: string) =>
    resetThrottle(link, KEYS, { kind: 'resetThrottle', throttle: { key, name } });

  it.each([
    ['a sliding window', SLIDING],
    ['a sliding window with a block', { ...SLIDING, blockDuration: 700 }],
    ['a fixed window', { ...SLIDING, window: 'fixed' }],
    ['a fixed window with a block', { ...SLIDING, window: 'fixed', blockDuration: 2500 }],
    ['sub-windows', { ...SLIDING, limit: 1001 }],
    ['a limit of 0', { ...SLIDING, limit: 0, blockDuration: 500 }],
    ['no time', { ...SLIDING, ttl: 0 }],
  ] as const)('decides as decideThrottle does, with %s', async (_what, limits) => {
    const steps = fc.array(fc.oneof(fc.nat(400), fc.constant(0), fc.constant(1000)), {
      minLength: 5,
      maxLength: 40,
    });
    let round = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (times) => {
        const key = `key ${round++}`;
        let state: ThrottleState | undefined;
        for (const ms of times) {
          pass(ms);
          const { decision, next } = decideThrottle(state, limits, now);
          if (!decision.isBlocked || changes(state, next)) state = next;
          expect(await hit(limits, key)).toEqual(decision);
        }
      }),
      { numRuns: 30 },
    );
  });

  const limitsOf = fc.record({
    limit: fc.constantFrom(0, 1, 3, 2000),
    ttl: fc.constantFrom(50, 1000),
    blockDuration: fc.constantFrom(0, 300),
    window: fc.constantFrom('sliding' as const, 'fixed' as const),
  });

  it('decides as decideThrottle does when the limits change', async () => {
    const steps = fc.array(fc.tuple(fc.constantFrom(0, 10, 60, 400), limitsOf), {
      minLength: 5,
      maxLength: 40,
    });
    let round = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (hits) => {
        const key = `key ${round++}`;
        let state: ThrottleState | undefined;
        for (const [ms, limits] of hits) {
          pass(ms);
          const { decision, next } = decideThrottle(state, limits, now);
          if (!decision.isBlocked || changes(state, next)) state = next;
          expect(await hit(limits, key)).toEqual(decision);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('lengthens nothing when its clock is set back', async () => {
    const steps = fc.array(fc.tuple(fc.constantFrom(-5000, 0, 60, 400), limitsOf), {
      minLength: 5,
      maxLength: 20,
    });
    let round = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (hits) => {
        const key = `key ${round++}`;
        for (const [ms, limits] of hits) {
          pass(ms);
          const { timeToExpire, timeToBlockExpire } = await hit(limits, key);
          expect(timeToExpire).toBeLessThanOrEqual(1000 * (1 + 1 / 32));
          expect(timeToBlockExpire).toBeLessThanOrEqual(1000 * (1 + 1 / 32));
        }
        pass(1100);
        const free = { ...SLIDING, blockDuration: 300 };
        expect(await hit(free, key)).toMatchObject({ totalHits: 1, isBlocked: false });
      }),
      { numRuns: 100 },
    );
  });

  it('remembers up to a thousand hits one by one', async () => {
    const limits = { ...SLIDING, limit: 1000 };
    for (let i = 0; i < 1000; i++) {
      if (i % 100 === 0) pass(10);
      await hit(limits);
    }
    expect(await hit(limits)).toMatchObject({ totalHits: 1001, isBlocked: true });
    pass(910);

    expect(await hit(limits)).toMatchObject({ totalHits: 901, isBlocked: false });
  });

  it('lets everything end by itself at the server', async () => {
    await hit(SLIDING);
    await hit({ ...SLIDING, limit: 2000, ttl: 5000 }, 'key', 'long');
    const keys = server().cli('KEYS', '*').split('\n');
    expect(keys).toHaveLength(2);
    for (const key of keys) expect(Number(server().cli('PTTL', key))).toBeGreaterThan(0);
    pass(6000);

    expect(server().cli('EXISTS', ...keys)).toBe('0');
  });

  it('writes nothing while it blocks', async () => {
    const limits = { ...SLIDING, blockDuration: 5000 };
    for (let i = 0; i < 4; i++) await hit(limits);
    const writes = () => /cmdstat_set:calls=(\d+)/.exec(server().cli('INFO', 'commandstats'))?.[1];
    const before = writes();
    for (let i = 0; i < 50; i++) expect(await hit(limits)).toMatchObject({ isBlocked: true });

    expect(writes()).toBe(before);
  });

  describe('reset', () => {
    it('forgets one throttler of a key, or all', async () => {
      for (const name of ['a', 'a b', 'c\n0']) await hit(SLIDING, 'key', name);
      await hit(SLIDING, 'other', 'a');

      expect(await reset('key', 'a')).toEqual({ reset: true });
      expect(await reset('key', 'a')).toEqual({ reset: false });
      expect(await hit(SLIDING, 'key', 'a b')).toMatchObject({ totalHits: 2 });
      expect(await reset('key')).toEqual({ reset: true });
      expect(await reset('key')).toEqual({ reset: false });
      expect(server().cli('KEYS', '*key*')).toBe('');
      expect(await hit(SLIDING, 'other', 'a')).toMatchObject({ totalHits: 2 });
    });
  });
});

/** A flood writes nothing: what is kept of a hit that is refused. */
function changes(before: ThrottleState | undefined, next: ThrottleState): boolean {
  return before?.blockUntil !== next.blockUntil || before.periodEnd !== next.periodEnd;
}
