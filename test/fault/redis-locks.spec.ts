import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { redis } from '../../lib/redis/index.js';
import type { HyperCacheNode } from '../../lib/node/hyper-cache-node.js';
import { createNode } from '../../lib/node/create-node.js';
import { resolveOptions } from '../../lib/node/resolve-options.js';
import { eventually } from '../support/eventually.js';
import { linesOf } from '../support/history.js';
import { useNodeProcesses, type NodeProcess } from '../support/node-process.js';
import { describeOnServers } from '../support/redis-suites.js';
import { useTemporaryDirectories } from '../support/temporary-directory.js';

const CONTENDERS = 1000;
const PROCESSES = 3;
const SPREAD = 3000;

/** What the program `acquirers` writes down. Monotonic ms. */
interface Line {
  readonly acquirer: number;
  readonly token?: number;
  readonly askedAt?: number;
  readonly grantedAt?: number;
  readonly endsAt?: number;
  readonly releasedAt?: number;
  readonly isReleased?: boolean;
}

describeOnServers('Locks over a server', (server) => {
  const launch = useNodeProcesses();
  const directory = useTemporaryDirectories();
  let node: HyperCacheNode;
  beforeEach(async () => {
    node = createNode(resolveOptions({ engine: redis({ url: server().url }) }, {}), {});
    await node.start();
  });
  afterEach(() => node.close());
  const remote = (program = 'remote', config: Record<string, unknown> = {}) =>
    launch(program, { options: {}, redis: { url: server().url }, ...config });
  const lock = (ttl = 60_000) => node.locks.lock('lock', { ttl });
  const untilWaiting = (count: number): Promise<void> =>
    eventually(() => {
      const waiting = server().cli('ZCARD', '{hc!lock:00}:q:0:lock');
      expect(waiting).toBe(String(count));
    });

  it(`are served to ${CONTENDERS} of ${PROCESSES} processes one at a time, in the order in which they came`, async () => {
    const logs = join(directory(), 'logs');
    mkdirSync(logs);
    const held = node.locks.lock('lock-0', { ttl: 60_000 });
    await held.acquire();
    const children = await Promise.all(
      Array.from({ length: PROCESSES }, (_, i) => {
        const acquirers = Array.from({ length: CONTENDERS }, (_v, k) => k);
        return remote('acquirers', {
          log: join(logs, `${i}.jsonl`),
          acquirers: acquirers.filter((k) => k % PROCESSES === i),
          names: 1,
          ttl: 10_000,
          maxHoldMs: 1,
          spreadMs: SPREAD,
        });
      }),
    );
    for (const child of children) child.send('go');
    await eventually(
      () => expect(server().cli('ZCARD', '{hc!lock:00}:q:0:lock-0')).toBe(String(CONTENDERS)),
      { timeoutMs: 30_000 },
    );
    await held.release();
    await Promise.all(children.map((child) => child.ended()));
    const lines = readdirSync(logs).flatMap((file) => linesOf<Line>(join(logs, file)));
    const until = new Map<number, number>();
    for (const { acquirer, releasedAt } of lines) {
      if (releasedAt !== undefined) until.set(acquirer, releasedAt);
    }
    const grants = lines
      .filter(({ token }) => token !== undefined)
      .toSorted((a, b) => Number(a.grantedAt) - Number(b.grantedAt));
    const overlaps = grants.filter((next, i) => {
      const last = grants[i - 1];
      if (last === undefined) return false;
      return (
        Number(until.get(last.acquirer)) > Number(next.grantedAt) ||
        Number(last.token) >= Number(next.token)
      );
    });
    const asked = grants.toSorted((a, b) => Number(a.askedAt) - Number(b.askedAt));
    const displaced = grants.map((grant, i) => Math.abs(asked.indexOf(grant) - i));

    expect(grants).toHaveLength(CONTENDERS);
    expect(lines.filter(({ isReleased }) => isReleased === false)).toEqual([]);
    expect(overlaps).toEqual([]);
    expect(Math.max(...displaced)).toBeLessThanOrEqual(CONTENDERS * 0.05);
  }, 120_000);

  describe('pass over a process that is killed', () => {
    const waiting = async (): Promise<NodeProcess> => {
      const process = await remote();
      await process.ask('process', 'lock', 'lock', 'lock', { ttl: 60_000 });
      process.ask('lock', 'acquire', { wait: 60_000 }).catch(() => undefined);
      return process;
    };

    it('while it waits', async () => {
      const held = lock();
      await held.acquire();
      const killed = await waiting();
      await untilWaiting(1);
      const behind = lock().acquire({ wait: 60_000 });
      await untilWaiting(2);
      await killed.kill();
      const start = performance.now();
      await held.release();

      await expect(behind).resolves.toBe(true);
      expect(performance.now() - start).toBeLessThan(5000);
    });

    it('as it is given the lock: after 3 s, and not after its ttl', async () => {
      const held = lock();
      await held.acquire();
      const killed = await waiting();
      await untilWaiting(1);
      const behind = lock().acquire({ wait: 60_000 });
      await untilWaiting(2);
      killed.signal('SIGSTOP');
      const start = performance.now();
      await held.release();
      await eventually(async () => expect(await node.locks.inspect('lock')).toBeDefined());
      await killed.kill();

      await expect(behind).resolves.toBe(true);
      expect(performance.now() - start).toBeGreaterThan(2900);
      expect(performance.now() - start).toBeLessThan(5000);
    });

    it('while it holds the lock: after its ttl', async () => {
      const killed = await remote();
      await killed.ask('process', 'lock', 'lock', 'lock', { ttl: 1500, renew: true });
      await killed.ask('lock', 'acquire');
      const { value } = await killed.ask<{ token: number }>('process', 'state', 'lock');
      const next = lock();
      const acquired = next.acquire({ wait: 60_000 });
      await untilWaiting(1);
      await killed.kill();
      const start = performance.now();

      await expect(acquired).resolves.toBe(true);
      expect(performance.now() - start).toBeLessThan(2500);
      expect(next.token).toBeGreaterThan(value.token);
    });
  });

  it('lose no time with a node that was closed while it waited', async () => {
    const held = lock();
    await held.acquire();
    const other = createNode(resolveOptions({ engine: redis({ url: server().url }) }, {}), {});
    await other.start();
    const closed = other.locks.lock('lock', { ttl: 60_000 }).acquire({ wait: 60_000 });
    await untilWaiting(1);
    const isClosed = expect(closed).rejects.toMatchObject({ code: 'HC_CLOSED' });
    await other.close();
    await isClosed;

    await untilWaiting(0);
  });

  it('go on in a process that was stopped for longer than others believe in it', async () => {
    const held = lock();
    await held.acquire();
    const stopped = await remote();
    await stopped.ask('process', 'lock', 'lock', 'lock', { ttl: 60_000 });
    const acquired = stopped.ask<boolean>('lock', 'acquire', { wait: 60_000 });
    await untilWaiting(1);
    stopped.signal('SIGSTOP');
    const behind = lock();
    const isBehind = behind.acquire({ wait: 60_000 });
    await untilWaiting(2);
    const start = performance.now();
    await eventually(() => expect(performance.now() - start).toBeGreaterThan(3500));
    await held.release();
    await expect(isBehind).resolves.toBe(true);
    stopped.signal('SIGCONT');
    await untilWaiting(1);
    await behind.release();

    expect((await acquired).value).toBe(true);
  });
});
