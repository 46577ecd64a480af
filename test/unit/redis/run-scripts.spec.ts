import { beforeEach, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { decideRun, type RunRecord, type RunRequest } from '../../../lib/engine/run.js';
import type { ClientLink } from '../../../lib/redis/client-link.js';
import { beginRun, finishRun, lastRun } from '../../../lib/redis/run-executor.js';
import { KEYS, useRedisLinks } from '../../support/redis-links.js';
import { describeOnServers } from '../../support/redis-suites.js';

const START = Date.UTC(2026, 0, 1);

const REQUEST: RunRequest = {
  name: 'job',
  id: 'run 1',
  slot: START,
  window: 60_000,
  at: START,
  maxSkew: 1000,
  on: 'start',
  node: 'node:1',
};

describeOnServers('The scripts of runs', (server) => {
  const links = useRedisLinks();
  let link: ClientLink;
  let now: number;
  beforeEach(async () => {
    now = START;
    server().setClock(now);
    link = await links.link(server());
  });
  const pass = (ms: number): void => server().setClock((now += ms));
  const begin = (run: Partial<RunRequest>) =>
    beginRun(link, KEYS, { kind: 'beginRun', run: { ...REQUEST, ...run } });
  const finish = (id: string, ok: boolean) =>
    finishRun(link, KEYS, { kind: 'finishRun', name: 'job', id, ok });
  const last = (name = 'job') => lastRun(link, KEYS, { kind: 'lastRun', name });

  it('note a start and its end', async () => {
    expect(await last()).toEqual({ last: null });
    expect(await begin({})).toEqual({ decision: 'begun' });
    const begun = { id: 'run 1', slot: START, startedAt: START, node: 'node:1' };
    expect(await last()).toEqual({ last: { ...begun, finishedAt: null, ok: null } });
    pass(500);
    expect(await finish('other', true)).toEqual({ finished: false });
    expect(await finish('run 1', false)).toEqual({ finished: true });

    expect(await last()).toEqual({ last: { ...begun, finishedAt: START + 500, ok: false } });
  });

  it('decide as decideRun does', async () => {
    const requests = fc.array(
      fc.record({
        slot: fc.option(fc.constantFrom(-5000, -100, 0, 100, 5000), { nil: null }),
        window: fc.constantFrom(0, 100, 3000),
        skew: fc.constantFrom(0, 900, -900, 1001),
        on: fc.constantFrom('start' as const, 'success' as const),
        ends: fc.constantFrom(undefined, true, false),
        pause: fc.constantFrom(0, 100, 4000, -4000),
      }),
      { minLength: 3, maxLength: 20 },
    );
    let round = 0;
    await fc.assert(
      fc.asyncProperty(requests, async (runs) => {
        const name = `job ${round++}`;
        let known: RunRecord | undefined;
        for (const [i, { slot, window, skew, on, ends, pause }] of runs.entries()) {
          pass(pause);
          const id = `run ${i}`;
          const at = now + skew;
          const own = { name, id, window, at, on, slot: slot === null ? null : now + slot };
          const decision = decideRun(known, { ...REQUEST, ...own }, now);
          expect(await begin(own)).toEqual({ decision });
          if (decision !== 'begun') continue;
          const started = { id, slot: own.slot ?? now, startedAt: now, node: REQUEST.node };
          known = { ...started, finishedAt: null, ok: null };
          if (ends === undefined) continue;
          await finishRun(link, KEYS, { kind: 'finishRun', name, id, ok: ends });
          known = { ...started, finishedAt: now, ok: ends };
        }
        expect((await last(name)).last).toEqual(known ?? null);
      }),
      { numRuns: 60 },
    );
  });

  it('remember no more than ten thousand names, and those that ran last', async () => {
    const names = Array.from({ length: 10_050 }, (_, i) => `job ${i}`);
    for (let from = 0; from < names.length; from += 500) {
      pass(1);
      await Promise.all(names.slice(from, from + 500).map((name) => begin({ name, at: now })));
    }

    expect(server().cli('DBSIZE')).toBe('10001');
    expect((await last('job 0')).last).toBeNull();
    expect((await last('job 10049')).last).not.toBeNull();
  });
});
