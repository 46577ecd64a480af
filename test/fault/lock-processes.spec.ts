import { beforeEach, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { campaign } from '../support/campaign.js';
import { eventually } from '../support/eventually.js';
import { useNodeProcesses, type NodeProcess } from '../support/node-process.js';
import { useTemporaryDirectories } from '../support/temporary-directory.js';

describe('Locks of several processes on one file', () => {
  const startProgram = useNodeProcesses();
  const directory = useTemporaryDirectories();
  let home: string;
  beforeEach(() => {
    home = directory();
  });
  const start = () => startProgram('remote', { options: { sqlitePath: home } });

  /** Makes a handle in the process. */
  const lock = (child: NodeProcess, id: string, ttl: number, more: object = {}) =>
    child.ask('process', 'lock', id, 'lock', { ttl, ...more });
  const acquire = async (child: NodeProcess, id: string, wait = 0): Promise<boolean> =>
    (await child.ask<boolean>(id, 'acquire', { wait })).value;
  const release = async (child: NodeProcess, id: string): Promise<boolean> =>
    (await child.ask<boolean>(id, 'release')).value;
  const tokenOf = async (child: NodeProcess, id: string): Promise<number> =>
    (await child.ask<{ token: number }>('process', 'state', id)).value.token;
  const untilQueued = (child: NodeProcess, waiters: number) =>
    eventually(async () => {
      const { lockWaiters, queued } = (
        await child.ask<{ lockWaiters: number; queued: number }>('node', 'stats')
      ).value;
      expect({ lockWaiters, queued }).toEqual({ lockWaiters: waiters, queued: 0 });
    });

  describe.each([
    ['without renewal', { renew: false }],
    ['with renewal', { renew: true }],
  ])('a holder that is stopped past its ttl, %s', (_how, options) => {
    it('is told when it wakes, and can do no harm', async () => {
      const [holder, other] = [await start(), await start()];
      await lock(holder, 'held', 400, options);
      await lock(other, 'next', 60_000);
      await expect(acquire(holder, 'held')).resolves.toBe(true);
      await holder.ask('process', 'watch', 'held');
      const token = await tokenOf(holder, 'held');
      holder.signal('SIGSTOP');
      await expect(acquire(other, 'next', 30_000)).resolves.toBe(true);
      await other.ask('cache', 'set', 'key', 'new');
      expect(holder.aborts).toEqual([]);
      holder.signal('SIGCONT');

      await eventually(() => {
        expect(holder.aborts).toMatchObject([{ aborted: 'held', code: 'HC_LOCK_LOST' }]);
      });
      const fence = { name: 'lock', token };
      await expect(holder.ask('cache', 'set', 'key', 'late', { fence })).rejects.toMatchObject({
        code: 'HC_FENCED',
      });
      await expect(release(holder, 'held')).resolves.toBe(false);
      await expect(holder.ask('held', 'extend')).resolves.toMatchObject({ value: false });
      await expect(other.ask('cache', 'get', 'key')).resolves.toMatchObject({ value: 'new' });
      expect(await tokenOf(other, 'next')).toBeGreaterThan(token);
      await expect(release(other, 'next')).resolves.toBe(true);
    });
  });

  it('a release wakes who waits in another process within the coherence interval', async () => {
    const processes = [await start(), await start()] as const;
    for (const child of processes) await lock(child, 'lock', 60_000);
    let [holder, waiter]: readonly NodeProcess[] = processes;
    await acquire(processes[0], 'lock');
    const delays: number[] = [];
    for (let i = 0; i < 40; i++) {
      if (holder === undefined || waiter === undefined) throw new Error('There are two.');
      const waiting = waiter.ask<boolean>('lock', 'acquire', { wait: 30_000 });
      await untilQueued(waiter, 1);
      const released = await holder.ask<boolean>('lock', 'release');
      const acquired = await waiting;
      expect([released.value, acquired.value]).toEqual([true, true]);
      delays.push(acquired.returnedAt - released.returnedAt);
      [holder, waiter] = [waiter, holder];
    }
    delays.sort((a, b) => a - b);
    if (campaign.isReported) {
      const shown = [0, 20, 36, 39].map((i) => delays[i]?.toFixed(1));
      process.stderr.write(`wake-up in another process, ms: min, median, p90, max ${shown}\n`);
    }

    expect(delays[20]).toBeLessThanOrEqual(25);
    expect(delays[39]).toBeLessThanOrEqual(1000);
  });

  it('those who wait are served in one order, whichever process they are in', async () => {
    const processes = [await start(), await start(), await start()];
    const [first] = processes;
    if (first === undefined) throw new Error('There are three.');
    await lock(first, 'held', 60_000);
    await acquire(first, 'held');
    const waiting: Promise<{ token: number; turn: number }>[] = [];
    for (let turn = 0; turn < 12; turn++) {
      const child = processes[turn % processes.length] ?? first;
      const id = `turn-${turn}`;
      await lock(child, id, 60_000);
      const take = async (): Promise<{ token: number; turn: number }> => {
        expect(await acquire(child, id, 30_000)).toBe(true);
        const token = await tokenOf(child, id);
        expect(await release(child, id)).toBe(true);
        return { token, turn };
      };
      waiting.push(take());
      await untilQueued(child, Math.floor(turn / processes.length) + 1);
    }
    await release(first, 'held');
    const served = await Promise.all(waiting);

    expect(served.toSorted((a, b) => a.token - b.token)).toEqual(served);
  });

  it('the lease of a killed holder ends in its time, and goes to who waits', async () => {
    const [holder, other] = [await start(), await start()];
    await lock(holder, 'held', 700, { renew: true });
    await lock(other, 'next', 60_000);
    await acquire(holder, 'held');
    const waiting = other.ask<boolean>('next', 'acquire', { wait: 30_000 });
    await untilQueued(other, 1);
    const { returnedAt } = await other.ask('node', 'stats');
    await holder.kill();
    const acquired = await waiting;

    expect(acquired.value).toBe(true);
    // It may have renewed just before it was killed.
    expect(acquired.returnedAt - returnedAt).toBeLessThan(700 + 1500);
  });

  it('processes that start again and again give the lease of a dead one no more time', async () => {
    const [holder, other] = [await start(), await start()];
    await lock(holder, 'held', 1500);
    await lock(other, 'next', 60_000);
    await acquire(holder, 'held');
    await holder.kill();
    let isOver = false;
    const waiting = acquire(other, 'next', 3500).finally(() => {
      isOver = true;
    });
    while (!isOver) await (await start()).kill();

    await expect(waiting).resolves.toBe(true);
  });

  it('the place of a waiter that was killed goes to those behind it', async () => {
    const [holder, victim, other] = [await start(), await start(), await start()];
    await lock(holder, 'held', 60_000);
    await lock(victim, 'waiter', 60_000);
    await lock(other, 'next', 60_000);
    await acquire(holder, 'held');
    victim.ask('waiter', 'acquire', { wait: 30_000 }).catch(() => undefined);
    await untilQueued(victim, 1);
    const waiting = acquire(other, 'next', 30_000);
    await untilQueued(other, 1);
    await victim.kill();
    // For a second nobody can know that it is dead.
    await delay(1100);
    await release(holder, 'held');

    await expect(waiting).resolves.toBe(true);
  });

  it('a waiter that was stopped for a while is passed over, and queues again', async () => {
    const [holder, sleeper, other] = [await start(), await start(), await start()];
    await lock(holder, 'held', 60_000);
    await lock(sleeper, 'waiter', 60_000);
    await lock(other, 'next', 60_000);
    await acquire(holder, 'held');
    const sleeping = acquire(sleeper, 'waiter', 30_000);
    await untilQueued(sleeper, 1);
    const waiting = acquire(other, 'next', 30_000);
    await untilQueued(other, 1);
    sleeper.signal('SIGSTOP');
    await delay(1400);
    await release(holder, 'held');
    await expect(waiting).resolves.toBe(true);
    sleeper.signal('SIGCONT');
    await release(other, 'next');

    await expect(sleeping).resolves.toBe(true);
    await expect(release(sleeper, 'waiter')).resolves.toBe(true);
    await expect(acquire(holder, 'held')).resolves.toBe(true);
  });

  it('renewal ends with the process, however it ends', async () => {
    const [holder, other] = [await start(), await start()];
    await lock(holder, 'held', 400, { renew: true });
    await lock(other, 'next', 60_000);
    await acquire(holder, 'held');
    await delay(600);
    await expect(acquire(other, 'next')).resolves.toBe(false);
    await holder.finish();

    await expect(acquire(other, 'next', 30_000)).resolves.toBe(true);
  });

  it('a process joins and leaves although another one is writing', async () => {
    const first = await start();
    const database = new Database(join(home, 'hypercache.sqlite'));
    const write = async (): Promise<void> => {
      database.exec('BEGIN IMMEDIATE');
      await delay(700);
      database.exec('COMMIT');
    };
    const joining = write();
    const second = await start();
    await joining;
    await lock(second, 'held', 60_000);
    await expect(acquire(second, 'held')).resolves.toBe(true);
    const leaving = write();
    await second.finish();
    await first.finish();
    await leaving;

    expect(database.prepare('SELECT count(*) FROM processes').pluck().get()).toBe(0);
    database.close();
  });

  it('a semaphore has its slots once, not in each process', async () => {
    const processes = [await start(), await start(), await start()];
    const answers: boolean[] = [];
    for (let i = 0; i < 6; i++) {
      const child = processes[i % 3];
      await child?.ask('process', 'semaphore', `slot-${i}`, 'slots', { ttl: 60_000, limit: 4 });
      answers.push((await child?.ask<boolean>(`slot-${i}`, 'acquire'))?.value === true);
    }

    expect(answers).toEqual([true, true, true, true, false, false]);
  });
});
