import { afterEach, describe, expect, it } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MaintenanceTask } from '../../../../lib/common/maintenance-task.js';
import { MaintenanceLoop } from '../../../../lib/sqlite/maintenance/maintenance-loop.js';
import { eventually } from '../../../support/eventually.js';

/** Has so much to do, and notes every step. */
class Work implements MaintenanceTask {
  constructor(
    private readonly name: string,
    private left: number,
    private readonly log: string[],
  ) {}

  step(): boolean {
    this.log.push(this.name);
    return this.left-- > 0;
  }
}

/** Looks at one row in each step, over and over, and rests after each. */
class Rounds implements MaintenanceTask {
  constructor(
    private readonly rows: number,
    private at: number,
    private readonly log: string[],
  ) {}

  get isMidway(): boolean {
    return this.at > 0;
  }

  step(): boolean {
    this.log.push('row');
    this.at = (this.at + 1) % this.rows;
    return false;
  }
}

describe('MaintenanceLoop', () => {
  const loops: MaintenanceLoop[] = [];
  afterEach(() => {
    for (const loop of loops.splice(0)) loop.stop();
  });

  function start(tasks: readonly MaintenanceTask[], intervalMs = 1) {
    const errors: unknown[] = [];
    const loop = new MaintenanceLoop(tasks, intervalMs, (error) => errors.push(error));
    loops.push(loop);
    loop.start();
    return { loop, errors };
  }

  it('does not begin before its first interval', async () => {
    const log: string[] = [];
    start([new Work('a', 5, log)], 3_600_000);
    for (let i = 0; i < 5; i++) await nextTurn();
    expect(log).toEqual([]);
  });

  it('gives every task its turns until none has more to do, then rests', async () => {
    const log: string[] = [];
    start([new Work('a', 30, log), new Work('b', 5, log), new Work('c', 0, log)], 40);
    await eventually(() => expect(log.filter((name) => name === 'a').length).toBeGreaterThan(30));
    expect(log.slice(0, 6)).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
    const steps = log.length;
    // It rests for an interval, not for a turn.
    await nextTurn();
    await nextTurn();
    expect(log.length).toBeLessThanOrEqual(steps + 3);
    await eventually(() => expect(log.length).toBeGreaterThan(steps + 3));
  });

  it('does at once what is due, the rest of a round and another one', async () => {
    const log: string[] = [];
    const { loop } = start([new Work('a', 30, log), new Rounds(5, 3, log)], 3_600_000);

    await loop.runDue();

    expect(log.filter((name) => name === 'a').length).toBeGreaterThan(30);
    expect(log.filter((name) => name === 'row').length).toBeGreaterThanOrEqual(2 + 5);
  });

  it('does not go on for ever with a task that fails', async () => {
    const failing = {
      isMidway: true,
      step: (): boolean => {
        throw new Error('no disk');
      },
    };
    const { loop, errors } = start([failing], 3_600_000);

    await loop.runDue();

    expect(errors).toHaveLength(1);
  });

  it('takes one step in a turn of the event loop', async () => {
    const log: string[] = [];
    start([new Work('a', 1000, log), new Work('b', 1000, log)]);
    await eventually(() => expect(log.length).toBeGreaterThan(0));
    for (let i = 0; i < 20; i++) {
      const before = log.length;
      await nextTurn();
      expect(log.length - before).toBeLessThanOrEqual(1);
    }
  });

  it('passes on what a task throws, and goes on with the others', async () => {
    const log: string[] = [];
    const cause = new Error('from the task');
    const broken: MaintenanceTask = {
      step() {
        throw cause;
      },
    };
    const { errors } = start([broken, new Work('b', 3, log)]);
    await eventually(() => expect(log.length).toBeGreaterThan(10));
    expect(errors[0]).toBe(cause);
  });

  it('ends with stop, also when a task calls it', async () => {
    const log: string[] = [];
    const work = new Work('a', 1000, log);
    const loop: MaintenanceLoop = new MaintenanceLoop(
      [{ step: () => (log.length >= 5 && loop.stop(), work.step()) }],
      1,
      () => undefined,
    );
    loops.push(loop);
    loop.start();
    await eventually(() => expect(log.length).toBeGreaterThanOrEqual(6));
    const steps = log.length;
    for (let i = 0; i < 10; i++) await nextTurn();
    expect(log.length).toBe(steps);
  });
});
