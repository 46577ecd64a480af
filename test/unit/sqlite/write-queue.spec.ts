import { describe, expect, it } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  HyperCacheError,
  NumberRangeError,
  StorageFailedError,
} from '../../../lib/common/errors.js';
import { systemClock } from '../../../lib/common/clock.js';
import type { QueuedWrite } from '../../../lib/engine/command-queue.js';
import { WriteQueue, type Writer } from '../../../lib/sqlite/write-queue.js';
import { eventually } from '../../support/eventually.js';
import { ManualClock } from '../../support/manual-clock.js';

type Outcome = number | HyperCacheError;

/** Answers a number with its double, refuses negative ones, and fails while it is told to. */
class Doubler implements Writer<number, number> {
  readonly batches: number[][] = [];
  failure: unknown;
  isPaused = false;
  /** So many it has time for. */
  most = Infinity;
  readonly mustPause = (): boolean => this.isPaused;

  write(commands: readonly number[]): readonly Outcome[] {
    if (this.failure !== undefined) throw this.failure;
    const done = commands.slice(0, this.most);
    this.batches.push(done);
    return done.map((n) => (n < 0 ? new NumberRangeError() : 2 * n));
  }
}

class Write implements QueuedWrite<number, number> {
  readonly done: Promise<number>;
  #resolve: (result: number) => void = () => undefined;
  #reject: (error: HyperCacheError) => void = () => undefined;

  constructor(
    readonly command: number,
    readonly bytes = 10,
  ) {
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Some tests are not interested in it.
    this.done.catch(() => undefined);
  }

  committed(result: number): void {
    this.#resolve(result);
  }

  failed(error: HyperCacheError): void {
    this.#reject(error);
  }
}

function isFailure(outcome: Outcome): outcome is HyperCacheError {
  return outcome instanceof HyperCacheError;
}

function setUp(clock: ConstructorParameters<typeof WriteQueue>[1] = new ManualClock()) {
  const writer = new Doubler();
  const queue = new WriteQueue<number, number>(writer, clock, isFailure);
  const push = (n: number, bytes?: number): Promise<number> => {
    const write = new Write(n, bytes);
    queue.push(write);
    return write.done;
  };
  return { writer, queue, push };
}

const busy = (): Error => Object.assign(new Error('database is locked'), { code: 'SQLITE_BUSY' });
const FULL = { code: 'HC_QUEUE_FULL' };

describe('WriteQueue', () => {
  it('commits what one turn writes in one transaction, in order, each with its own result', async () => {
    const { writer, push } = setUp();
    const results = [push(1), push(2)];
    await Promise.resolve();
    results.push(push(3));
    expect(await Promise.all(results)).toEqual([2, 4, 6]);
    results.push(push(4));
    expect(await Promise.all(results)).toEqual([2, 4, 6, 8]);
    expect(writer.batches).toEqual([[1, 2, 3], [4]]);
  });

  it('fails a refused write alone', async () => {
    const { push } = setUp();
    const results = await Promise.allSettled([push(1), push(-1), push(3)]);
    expect(results).toMatchObject([
      { value: 2 },
      { reason: { code: 'HC_NUMBER_RANGE' } },
      { value: 6 },
    ]);
  });

  it('fails all writes of a transaction that failed, with a typed error, and goes on', async () => {
    const { writer, push } = setUp();
    writer.failure = Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR' });
    const results = await Promise.allSettled([push(1), push(2)]);
    expect(results).toMatchObject([
      { reason: { code: 'HC_STORAGE_FAILED', cause: writer.failure } },
      { reason: { code: 'HC_STORAGE_FAILED' } },
    ]);
    writer.failure = undefined;
    expect(await push(3)).toBe(6);
  });

  it('passes on an error that is typed already', async () => {
    const { writer, push } = setUp();
    writer.failure = new StorageFailedError('gone');
    await expect(push(1)).rejects.toBe(writer.failure);
  });

  it('writes nothing while the writer wants a pause, but at a stop', async () => {
    const { writer, queue, push } = setUp();
    writer.isPaused = true;
    const first = push(1);
    for (let i = 0; i < 5; i++) await nextTurn();
    expect(writer.batches).toEqual([]);
    writer.isPaused = false;
    expect(await first).toBe(2);

    writer.isPaused = true;
    const last = push(2);
    queue.close();
    expect(await last).toBe(4);
  });

  describe('splits what is much', () => {
    it('into transactions of 500 writes, with a turn of the event loop between them', async () => {
      const { writer, queue, push } = setUp();
      const all = Promise.all(Array.from({ length: 1200 }, (_, i) => push(i)));
      const waiting: number[] = [];
      do {
        waiting.push(queue.length);
        await nextTurn();
      } while (queue.length > 0);
      expect((await all).length).toBe(1200);
      expect(writer.batches.map(({ length }) => length)).toEqual([500, 500, 200]);
      expect(writer.batches.flat()).toEqual(Array.from({ length: 1200 }, (_, i) => i));
      expect(waiting).toEqual([1200, 700, 200]);
    });

    it('into transactions of what the writer has time for, in order, also at a stop', async () => {
      const { writer, queue, push } = setUp();
      writer.most = 2;
      const results = [1, 2, 3].map((n) => push(n));
      await nextTurn();
      results.push(push(4));
      expect(queue.length).toBe(2);
      queue.close();

      expect(await Promise.all(results)).toEqual([2, 4, 6, 8]);
      expect(writer.batches).toEqual([
        [1, 2],
        [3, 4],
      ]);
    });

    it('into transactions of a mebibyte, of at least one write', async () => {
      const { writer, push } = setUp();
      const MIB = 1024 * 1024;
      await Promise.all([
        push(1, MIB / 2),
        push(2, MIB / 2),
        push(3, 1),
        push(4, 3 * MIB),
        push(5),
      ]);
      expect(writer.batches).toEqual([[1, 2], [3], [4], [5]]);
    });
  });

  describe('is bounded', () => {
    it('in writes', async () => {
      const { queue, push } = setUp();
      for (let i = 0; i < 200_000; i++) queue.push(new Write(i));
      expect(() => queue.push(new Write(1))).toThrow(expect.objectContaining(FULL));
      expect(() => queue.pushRelaxed(new Write(1))).toThrow(expect.objectContaining(FULL));
      await nextTurn();
      expect(await push(7)).toBe(14);
    });

    it('in bytes, which are free again after the commit', async () => {
      const { queue, push } = setUp();
      const half = 128 * 1024 * 1024;
      const first = [push(1, half), push(2, half)];
      expect(() => queue.push(new Write(3, 1))).toThrow(expect.objectContaining(FULL));
      await Promise.all(first);
      expect(await push(3, half)).toBe(6);
    });
  });

  describe('drain', () => {
    it('resolves at once when nothing waits', async () => {
      await setUp().queue.drain();
    });

    it('resolves when what waits is committed or refused', async () => {
      const { queue, writer } = setUp();
      for (let i = 0; i < 700; i++) queue.push(new Write(i));
      queue.push(new Write(-1));
      await queue.drain();
      expect(writer.batches.flat()).toHaveLength(701);
    });

    it('does not wait for what comes after', async () => {
      const { queue, writer } = setUp();
      queue.push(new Write(1));
      const drained = queue.drain();
      for (let i = 0; i < 2000; i++) queue.push(new Write(i));
      await drained;
      expect(queue.length).toBe(1501);
      expect(writer.batches).toHaveLength(1);
    });

    it('commits relaxed writes without their delay', async () => {
      const { queue, writer } = setUp();
      queue.pushRelaxed(new Write(1));
      const drained = queue.drain();
      await nextTurn();
      expect(writer.batches).toEqual([[1]]);
      await drained;
    });
  });

  describe('close', () => {
    it('commits what waits before it returns, and refuses what comes after', async () => {
      const { queue, writer, push } = setUp();
      const results = Array.from({ length: 600 }, (_, i) => push(i));
      const relaxed = new Write(600);
      queue.pushRelaxed(relaxed);
      queue.close();
      expect(writer.batches.flat()).toHaveLength(601);
      expect(() => queue.push(new Write(1))).toThrow(
        expect.objectContaining({ code: 'HC_CLOSED' }),
      );
      expect(() => queue.pushRelaxed(new Write(1))).toThrow(
        expect.objectContaining({ code: 'HC_CLOSED' }),
      );
      expect(await Promise.all([...results, relaxed.done])).toHaveLength(601);
    });

    it('may come twice, and resolves those who drain', async () => {
      const { queue } = setUp();
      queue.push(new Write(1));
      const drained = queue.drain();
      queue.close();
      queue.close();
      await drained;
    });

    it('fails what cannot be committed any more', async () => {
      const { queue, writer, push } = setUp();
      writer.failure = busy();
      const result = push(1);
      queue.close();
      await expect(result).rejects.toMatchObject({ code: 'HC_STORAGE_BUSY' });
    });
  });

  describe('while another process holds the file', () => {
    it('tries again, keeps the order, and does not hold the event loop', async () => {
      const { writer, queue, push } = setUp();
      writer.failure = busy();
      const results = [push(1), push(2)];
      await nextTurn();
      results.push(push(3));
      queue.pushRelaxed(new Write(4));
      for (let i = 0; i < 20; i++) await nextTurn();
      expect(queue.length).toBe(4);
      writer.failure = undefined;
      expect(await Promise.all(results)).toEqual([2, 4, 6]);
      await queue.drain();
      expect(writer.batches.flat()).toEqual([1, 2, 3, 4]);
    });

    it('gives up after five seconds, and starts over with the next writes', async () => {
      const clock = new ManualClock();
      const { writer, queue, push } = setUp(clock);
      writer.failure = busy();
      const first = push(1);
      await nextTurn();
      clock.advance(4999);
      await nextTurn();
      expect(queue.length).toBe(1);
      clock.advance(1);
      await expect(first).rejects.toMatchObject({ code: 'HC_STORAGE_BUSY' });
      const second = push(2);
      await nextTurn();
      expect(queue.length).toBe(1);
      writer.failure = undefined;
      expect(await second).toBe(4);
    });

    it('drains when it has what it waits for', async () => {
      const { writer, queue } = setUp();
      writer.failure = busy();
      queue.push(new Write(1));
      const drained = queue.drain();
      for (let i = 0; i < 3; i++) await nextTurn();
      writer.failure = undefined;
      await drained;
      expect(writer.batches).toEqual([[1]]);
    });
  });

  describe('relaxed writes', () => {
    it('are committed together, within milliseconds, though nobody waits', async () => {
      const { writer, queue } = setUp();
      expect([1, 2, 3].map((n) => queue.pushRelaxed(new Write(n)))).toEqual([true, true, true]);
      await nextTurn();
      await eventually(() => expect(writer.batches).toEqual([[1, 2, 3]]));
    });

    it('go with the writes that somebody awaits, in order', async () => {
      const { writer, queue, push } = setUp();
      queue.pushRelaxed(new Write(1));
      expect(await push(2)).toBe(4);
      expect(writer.batches).toEqual([[1, 2]]);
    });

    it.each([
      ['4096 of them wait', (queue: WriteQueue<number, number>) => pushMany(queue, 4096, 10)],
      ['4 MiB of them wait', (queue: WriteQueue<number, number>) => pushMany(queue, 64, 65_536)],
    ])('must be awaited when %s', async (_name, fill) => {
      const { queue } = setUp();
      const answers = fill(queue);
      expect(answers.slice(0, -1)).not.toContain(false);
      expect(answers.at(-1)).toBe(false);
      expect(queue.keepsUp()).toBe(false);
      await queue.drain();
      expect(queue.keepsUp()).toBe(true);
    });

    it('must be awaited when the oldest of them waits for too long', async () => {
      const clock = new ManualClock();
      const { queue } = setUp(clock);
      queue.pushRelaxed(new Write(1));
      clock.advance(50);
      expect(queue.pushRelaxed(new Write(2))).toBe(true);
      clock.advance(1);
      expect(queue.pushRelaxed(new Write(3))).toBe(false);
      await queue.drain();
      expect(queue.pushRelaxed(new Write(4))).toBe(true);
      await queue.drain();
    });

    it('leave the event loop a turn when they have left it none for 10 ms', async () => {
      const clock = new ManualClock();
      const { queue } = setUp(clock);
      expect(queue.rest()).toBeUndefined();
      clock.advance(10);
      expect(queue.rest()).toBeUndefined();
      clock.advance(1);
      let isOver = false;
      setImmediate(() => {
        isOver = true;
      });
      const rest = queue.rest();
      expect(queue.rest()).toBe(rest);
      await rest;
      expect(isOver).toBe(true);
      expect(queue.rest()).toBeUndefined();
    });

    it('do not starve the event loop of one who awaits nothing but microtasks', async () => {
      const { queue, writer } = setUp(systemClock);
      let isOver = false;
      setImmediate(() => {
        isOver = true;
      });
      let longest = 0;
      let written = 0;
      while (!isOver) {
        const write = new Write(written++);
        if (!queue.pushRelaxed(write)) await write.done;
        else await queue.rest();
        longest = Math.max(longest, queue.length);
      }
      await queue.drain();
      expect(longest).toBeLessThanOrEqual(4096);
      expect(writer.batches.flat()).toHaveLength(written);
    });
  });
});

function pushMany(queue: WriteQueue<number, number>, count: number, bytes: number): boolean[] {
  return Array.from({ length: count }, (_, i) => queue.pushRelaxed(new Write(i, bytes)));
}
