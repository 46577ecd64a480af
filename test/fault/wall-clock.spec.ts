import { describe, expect } from '@jest/globals';
import { join } from 'node:path';
import {
  freePort,
  settled,
  useProcessClusters,
  type Member,
} from '../support/cluster-processes.js';
import { eventually } from '../support/eventually.js';
import { FakedWallClock, fakeTimeLibrary, itWhere } from '../support/machine-tools.js';

const HOUR_S = 3600;
const MINUTE_MS = 60_000;
const TTL_MS = 1000;
/** docs/guarantees.md: while the clock follows a step, time counts for a tenth more or less; and 1 s on a secondary. */
const PACE = 0.1;
const SECONDARY_MS = 1000;
/** Of a busy machine, from the expiry to the poll that sees it. */
const POLL_MS = 1000;
const KEYS = Array.from({ length: 200 }, (_, i) => `key${i}`);

describe('Somebody sets the wall clock', () => {
  const clusters = useProcessClusters();
  const itWithFakeTime = itWhere(fakeTimeLibrary !== undefined, 'libfaketime: wall clocks');

  async function start(where: 'primary' | 'secondary') {
    const clock = new FakedWallClock(join(clusters.directory(), 'faketime'));
    const port = await freePort();
    const environment = (name: string) => (name === where ? clock.environment : {});
    const primary = await clusters.primary(port, undefined, environment('primary'));
    const secondary = await clusters.secondary(
      'secondary',
      port,
      {},
      undefined,
      environment('secondary'),
    );
    return { clock, primary, secondary, environment };
  }

  const ask = async <T>({ process }: Member, method: string, ...args: unknown[]): Promise<T> =>
    (await process.ask<T>('cache', method, ...args)).value;
  const member = async <T>({ process }: Member, method: string, ...args: unknown[]): Promise<T> =>
    (await process.ask<T>('member', method, ...args)).value;

  const set = (on: Member, prefix: string, ttl: number): Promise<unknown> =>
    ask(
      on,
      'mset',
      KEYS.map((key) => ({ key: prefix + key, value: key, ttl })),
    );
  const live = async (on: Member, prefix: string): Promise<number> =>
    (
      await ask<unknown[]>(
        on,
        'mget',
        KEYS.map((key) => prefix + key),
      )
    ).filter((value) => value !== undefined).length;

  /** Milliseconds from a moment until none, and until not all, of the entries are live. */
  async function expiry(on: Member, prefix: string, since: number) {
    let first = 0;
    await eventually(
      async () => {
        const count = await live(on, prefix);
        if (count < KEYS.length) first ||= performance.now() - since;
        expect(count).toBe(0);
      },
      { timeoutMs: 10_000 },
    );
    return { first, last: performance.now() - since };
  }

  function expectHonoured(seen: { first: number; last: number } | undefined, slackMs: number) {
    const { first = 0, last = Infinity } = seen ?? {};
    expect(first).toBeGreaterThan(TTL_MS * (1 - PACE) - slackMs);
    expect(last).toBeLessThan(TTL_MS * (1 + 2 * PACE) + slackMs + POLL_MS);
  }

  itWithFakeTime.each(['primary', 'secondary'] as const)(
    'by an hour and back on the %s: nothing expires early or late, leases stay as they are',
    async (where) => {
      const { clock, primary, secondary } = await start(where);
      const nodes = [primary, secondary];
      const faked = where === 'primary' ? primary : secondary;
      await set(primary, 'long/', 10 * MINUTE_MS);
      expect(await member(secondary, 'acquire', 'kept', { ttl: MINUTE_MS })).toBe(true);
      await settled(primary, [secondary]);
      for (const seconds of [HOUR_S, -HOUR_S]) {
        const lock = `lock ${seconds}`;
        const acquiredAt = performance.now();
        expect(await member(primary, 'acquire', lock, { ttl: TTL_MS })).toBe(true);
        const setAt = performance.now();
        await set(secondary, 'before/', TTL_MS);
        const before = await member<number>(faked, 'now');

        clock.set(seconds);
        const jump = (await member<number>(faked, 'now')) - before;
        for (const on of nodes) expect(await live(on, 'long/')).toBe(KEYS.length);
        const [onPrimary, onSecondary, isAcquired] = await Promise.all([
          expiry(primary, 'before/', setAt),
          expiry(secondary, 'before/', setAt),
          member(secondary, 'acquire', lock, { ttl: MINUTE_MS, wait: MINUTE_MS }),
        ]);
        const leaseMs = performance.now() - acquiredAt;

        expect(Math.abs(jump)).toBeGreaterThan(0.9 * HOUR_S * 1000);
        expectHonoured(onPrimary, 100);
        expectHonoured(onSecondary, SECONDARY_MS);
        expect(isAcquired).toBe(true);
        expect(leaseMs).toBeGreaterThan(TTL_MS - 10);
        expect(leaseMs).toBeLessThan(TTL_MS * (1 + 2 * PACE) + POLL_MS);
        expect(await member(secondary, 'isHeld', 'kept')).toBe(true);
        expect(await member(primary, 'acquire', 'kept', { ttl: 1000 })).toBe(false);
        const setAgainAt = performance.now();
        await set(secondary, 'after/', TTL_MS);
        const [first, second] = await Promise.all(
          nodes.map((on) => expiry(on, 'after/', setAgainAt)),
        );
        expectHonoured(first, 100);
        expectHonoured(second, SECONDARY_MS);
        for (const on of nodes) expect(await live(on, 'long/')).toBe(KEYS.length);
      }
    },
  );

  itWithFakeTime(
    'on the primary, which starts anew after that: what it held is there, and expires on time',
    async () => {
      const { clock, primary, environment } = await start('primary');
      await set(primary, 'long/', 10 * MINUTE_MS);
      let running = primary;
      for (const seconds of [HOUR_S, -HOUR_S]) {
        clock.set(seconds);
        await running.process.kill();
        running = await clusters.primary(
          await freePort(),
          primary.directory,
          environment('primary'),
        );
        const setAt = performance.now();
        await set(running, 'short/', TTL_MS);

        expect(await live(running, 'long/')).toBe(KEYS.length);
        expectHonoured(await expiry(running, 'short/', setAt), 100);
      }
    },
  );

  itWithFakeTime(
    'while two processes have the file open, and a third opens it later: they agree',
    async () => {
      const { clock, primary, environment } = await start('primary');
      const second = await clusters.primary(
        await freePort(),
        primary.directory,
        environment('primary'),
      );
      await set(primary, 'long/', 10 * MINUTE_MS);
      clock.set(HOUR_S);
      for (const on of [primary, second]) expect(await live(on, 'long/')).toBe(KEYS.length);
      const third = await clusters.primary(
        await freePort(),
        primary.directory,
        environment('primary'),
      );
      const setAt = performance.now();
      await set(third, 'short/', TTL_MS);

      expect(await live(third, 'long/')).toBe(KEYS.length);
      const expiries = await Promise.all(
        [primary, second, third].map((on) => expiry(on, 'short/', setAt)),
      );
      for (const one of expiries) expectHonoured(one, 100);
    },
  );
});
