import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Command } from '../../../lib/engine/command.js';
import type { CommandResult } from '../../../lib/engine/command-result.js';
import { CommandExecutor, isFailure } from '../../../lib/sqlite/commands/command-executor.js';
import { ClosedError } from '../../../lib/common/errors.js';
import { LeaseManager } from '../../../lib/sqlite/lease-manager.js';
import type { AcquireRequest } from '../../../lib/engine/lease-service.js';
import { LeaseKind } from '../../../lib/engine/lease.js';
import type { Storage } from '../../../lib/sqlite/storage.js';
import { WriteQueue, type Writer } from '../../../lib/sqlite/write-queue.js';
import { eventually } from '../../support/eventually.js';
import { ManualClock } from '../../support/manual-clock.js';
import { useStorages } from '../../support/storages.js';

const LEASE = { kind: LeaseKind.Lock, name: 'lock' } as const;

const request = (owner: string, more: Partial<AcquireRequest> = {}): AcquireRequest => ({
  lease: LEASE,
  owner,
  ttlMs: 60_000,
  slots: 1,
  waitMs: 10_000,
  ...more,
});

/** Another process that has the file's write lock, as SQLite tells of it. */
class Busy extends Error {
  readonly code = 'SQLITE_BUSY';
}

describe('LeaseManager', () => {
  const openStorage = useStorages();
  const clock = new ManualClock();
  let storage: Storage;
  let queue: WriteQueue<Command, CommandResult>;
  let manager: LeaseManager;
  /** Whether another process writes, and what was tried meanwhile. */
  let isBusy: boolean;
  let tried: Set<Command>;

  beforeEach(() => {
    ({ storage } = openStorage({ clock }));
    isBusy = false;
    tried = new Set();
    const executor = new CommandExecutor(storage, clock);
    const writer: Writer<Command, CommandResult> = {
      write: (commands) => {
        if (!isBusy) return executor.write(commands);
        for (const command of commands) tried.add(command);
        throw new Busy();
      },
    };
    queue = new WriteQueue(writer, clock, isFailure);
    manager = new LeaseManager(storage, queue, clock, 1, (error) => {
      throw error;
    });
  });
  afterEach(() => {
    manager.close();
    queue.close();
  });

  it('puts a waiter into the queue once, however long its first write waits for other processes', async () => {
    await manager.acquire(request('holder'));
    isBusy = true;
    const waiting = manager.acquire(request('waiter'));
    // The time for a sign of life and a thorough look has come.
    clock.advance(400);
    await eventually(() => {
      expect(Array.from(tried, ({ kind }) => kind)).toContain('beat');
    });
    isBusy = false;
    await manager.release(LEASE, 'holder');

    await expect(waiting).resolves.toBeDefined();
    await manager.release(LEASE, 'waiter');
    await expect(manager.holders(LEASE)).resolves.toEqual([]);
  });

  it('does not take the lease of another handle of the same owner for a grant', async () => {
    const held = await manager.acquire(request('owner'));
    const waiting = manager.acquire(request('owner', { waitMs: 100 }));
    clock.advance(400);

    await expect(waiting).resolves.toBeUndefined();
    await expect(manager.holders(LEASE)).resolves.toMatchObject([{ token: held?.token }]);
  });

  it('refuses a second waiter of the same owner', async () => {
    await manager.acquire(request('holder'));
    const first = manager.acquire(request('waiter'));

    await expect(manager.acquire(request('waiter'))).rejects.toMatchObject({
      code: 'HC_ARGUMENT_INVALID',
    });
    await manager.release(LEASE, 'holder');
    await expect(first).resolves.toBeDefined();
  });

  it('takes the lease of an owner who asks again only once it has ended', async () => {
    await manager.acquire(request('owner', { ttlMs: 1000 }));

    const again = (): Promise<unknown> => manager.acquire(request('owner', { waitMs: 0 }));

    await expect(again()).resolves.toBeUndefined();
    clock.advance(1000);
    await expect(again()).resolves.toBeDefined();
  });

  it('passes on what a waiter gets in the moment in which it aborts', async () => {
    const controller = new AbortController();
    await manager.acquire(request('holder'));
    const aborted = manager.acquire(request('aborted', { signal: controller.signal }));
    const next = manager.acquire(request('next'));
    await queue.drain();
    void manager.release(LEASE, 'holder');
    controller.abort(new Error('stop'));

    await expect(aborted).rejects.toThrow('stop');
    await expect(next).resolves.toBeDefined();
  });

  it('leaves no lease behind for those who wait when it closes', async () => {
    const waiting = manager.acquire(request('waiter'));
    manager.close();
    queue.close();

    await expect(waiting).rejects.toMatchObject({ code: 'HC_CLOSED' });
    expect(storage.leases.holders(LEASE, clock.monotonic())).toEqual([]);
    expect(storage.leases.isWaiting(LEASE, 'waiter')).toBe(false);
  });

  it('tells those who hold a lease that the file is lost, and nobody whose lease has ended', () => {
    const told: string[] = [];
    const holder = (name: string, isLive: boolean) => ({
      isLive,
      onLoss: () => void told.push(name),
      runDue: () => undefined,
    });
    manager.watchLoss(holder('held', true));
    const leave = manager.watchLoss(holder('released', true));
    leave();
    // Whoever never releases is not kept for ever.
    for (let i = 0; i < 100_000; i++) manager.watchLoss(holder('ended', false));
    manager.loseAll(new ClosedError());

    expect(told[0]).toBe('held');
    expect(told).not.toContain('released');
    expect(told.length).toBeLessThan(5000);
  });
});
