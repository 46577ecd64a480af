import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { ThrottlerStorageService } from '@nestjs/throttler';
import { createRequire } from 'node:module';
import {
  decideThrottle,
  endOfThrottle,
  type ThrottleLimits,
  type ThrottleState,
} from '../../lib/engine/throttle.js';
import fc from '../support/fast-check.js';

// It is CommonJS, and Jest can require no ES module: of Nest it needs a decorator that does nothing here.
jest.mock('@nestjs/common', () => ({ Injectable: () => () => undefined }));
const require = createRequire(import.meta.url);
const theirService = require('@nestjs/throttler/dist/throttler.service.js') as {
  ThrottlerStorageService: typeof ThrottlerStorageService;
};

/** What may come: hits, with time between them. */
const steps = fc.array(fc.nat({ max: 3000 }), { minLength: 1, maxLength: 60 });
const limits = (limit: fc.Arbitrary<number>): fc.Arbitrary<ThrottleLimits> =>
  fc.record({
    limit,
    ttl: fc.integer({ min: 1, max: 5000 }),
    blockDuration: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 5000 })),
    window: fc.constant('sliding'),
  });

describe('decideThrottle', () => {
  beforeEach(() => {
    jest.useFakeTimers({
      doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'setInterval'],
    });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('decides as the storage of @nestjs/throttler in memory does', async () => {
    await fc.assert(
      fc.asyncProperty(limits(fc.integer({ min: 1, max: 6 })), steps, async (given, pauses) => {
        const { ttl, limit, blockDuration } = given;
        const theirs = new theirService.ThrottlerStorageService();
        let state: ThrottleState | undefined;
        for (const ms of pauses) {
          jest.setSystemTime(Date.now() + ms);
          const { decision, next } = decideThrottle(state, given, Date.now());
          state = next;
          const record = await theirs.increment('key', ttl, limit, blockDuration, 'default');
          expect({
            totalHits: decision.totalHits,
            isBlocked: decision.isBlocked,
            timeToExpire: Math.ceil(decision.timeToExpire / 1000),
            timeToBlockExpire: Math.ceil(decision.timeToBlockExpire / 1000),
          }).toEqual({
            ...record,
            // Of what is not blocked theirs says how long ago the last block has ended.
            timeToBlockExpire: record.isBlocked ? record.timeToBlockExpire : 0,
          });
        }
        theirs.onApplicationShutdown();
      }),
    );
  });

  it('knows when nothing of a state counts any more: then it is as good as none', () => {
    fc.assert(
      fc.property(limits(fc.nat({ max: 5 })), steps, (given, pauses) => {
        let state: ThrottleState | undefined;
        let now = 1_000_000;
        for (const ms of pauses) state = decideThrottle(state, given, (now += ms)).next;
        const end = endOfThrottle(state as ThrottleState);
        expect(decideThrottle(state, given, end).decision).toEqual(
          decideThrottle(undefined, given, end).decision,
        );
      }),
    );
  });

  it('lets pass at most the limit within a ttl, less a 32nd, whatever the limit', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1001, max: 1500 }),
        fc.infiniteStream(fc.nat({ max: 5 })),
        (limit, pauses) => {
          const ttl = 3200;
          const given: ThrottleLimits = { limit, ttl, blockDuration: 0, window: 'sliding' };
          let state: ThrottleState | undefined;
          let now = 0;
          let mostNumbers = 0;
          const passed: number[] = [];
          for (const ms of pauses.take(6000)) {
            now += ms;
            const { decision, next } = decideThrottle(state, given, now);
            state = next;
            mostNumbers = Math.max(mostNumbers, next.hits.length);
            if (!decision.isBlocked) passed.push(now);
          }
          for (const [i, at] of passed.entries()) {
            // The one that comes so many later must be a ttl later.
            const later = passed[i + limit];
            if (later !== undefined) expect(later - at).toBeGreaterThanOrEqual(ttl);
          }
          expect(passed.length).toBeGreaterThan(limit);
          expect(mostNumbers).toBeLessThan(70);
        },
      ),
      { numRuns: 5, endOnFailure: true },
    );
  });

  it('remembers a bounded number of hits whatever ttls come', () => {
    const next = (state: ThrottleState | undefined, ttl: number, now: number): ThrottleState =>
      decideThrottle(state, { limit: 1e6, ttl, blockDuration: 0, window: 'sliding' }, now).next;
    let state: ThrottleState | undefined;
    for (let i = 0; i < 5000; i++) state = next(state, 1e6 + 1000 * (i % 1500), i);
    expect(state?.hits.length).toBeLessThan(1200);
    const { decision } = decideThrottle(
      state,
      { limit: 1e6, ttl: 1e6, blockDuration: 0, window: 'sliding' },
      5000,
    );
    expect(decision.totalHits).toBe(5001);
  });
});
