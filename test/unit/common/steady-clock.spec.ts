import { describe, expect, it } from '@jest/globals';
import { SteadyClock } from '../../../lib/common/steady-clock.js';
import { ManualClock } from '../../support/manual-clock.js';

const HOUR = 3_600_000;

describe('SteadyClock', () => {
  function setUp() {
    const machine = new ManualClock();
    return { machine, clock: new SteadyClock(machine), start: machine.now() };
  }

  /** Milliseconds that it has counted while time passed in steps. */
  function count(clock: SteadyClock, machine: ManualClock, ms: number, stepMs = 500): number {
    const from = clock.now();
    for (let passed = 0; passed < ms; passed += stepMs) {
      machine.advance(stepMs);
      clock.coarseNow();
    }
    return clock.now() - from;
  }

  it('is the wall clock as long as nobody sets it', () => {
    const { machine, clock } = setUp();
    for (const ms of [1, 999, 1000, 5000, 10 * HOUR]) {
      machine.advance(ms);
      expect([clock.now(), clock.coarseNow()]).toEqual([machine.now(), machine.now()]);
    }
    expect(clock.steps).toBe(0);
  });

  it('follows a wall clock that is disciplined, by a little at a time', () => {
    const { machine, clock } = setUp();
    for (let i = 0; i < 10_000; i++) {
      machine.advance(100);
      machine.jumpTo(machine.now() + (i % 20 === 0 ? 1 : 0));
      expect(clock.now()).toBe(machine.now());
    }
    machine.jumpTo(machine.now() - 900);
    expect(clock.now()).toBe(machine.now());
    // Nobody has asked for a day.
    machine.advance(24 * HOUR);
    machine.jumpTo(machine.now() + 4000);
    expect(clock.now()).toBe(machine.now());
  });

  it.each([HOUR, -HOUR, 1500, -1500])(
    'does not jump when the wall clock does, by %d ms',
    (jump) => {
      const { machine, clock, start } = setUp();
      machine.advance(10_000);
      machine.jumpTo(machine.now() + jump);
      expect([clock.now(), clock.coarseNow()]).toEqual([start + 10_000, start + 10_000]);
      expect(clock.steps).toBe(1);
    },
  );

  it.each([
    [HOUR, 1.1],
    [-HOUR, 0.9],
  ])('comes to the wall clock by a tenth of the time, after a jump of %d ms', (jump, pace) => {
    const { machine, clock } = setUp();
    machine.jumpTo(machine.now() + jump);
    clock.now();
    expect(count(clock, machine, HOUR)).toBeCloseTo(pace * HOUR, -1);
    count(clock, machine, 9 * HOUR, 60_000);
    expect(clock.now()).toBe(machine.now());
    expect(count(clock, machine, HOUR)).toBe(HOUR);
  });

  it('never goes back', () => {
    const { machine, clock } = setUp();
    let last = clock.now();
    for (let i = 0; i < 5000; i++) {
      machine.advance(i % 7);
      if (i % 1000 === 500) machine.jumpTo(machine.now() + (i % 2000 === 500 ? -HOUR : HOUR / 2));
      const now = clock.now();
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
    }
  });

  it('forgets a jump that is taken back', () => {
    const { machine, clock } = setUp();
    machine.jumpTo(machine.now() + HOUR);
    clock.now();
    machine.jumpTo(machine.now() - HOUR);
    expect(clock.now()).toBe(machine.now());
  });

  it('counts the time that the machine slept', () => {
    const { machine, clock } = setUp();
    machine.sleep(8 * HOUR);
    expect(clock.now()).toBe(machine.now());
    expect(clock.steps).toBe(0);
  });

  it('follows at once a wall clock that was wrong by more than a day', () => {
    const { machine, clock } = setUp();
    machine.jumpTo(machine.now() + 25 * HOUR);
    expect(clock.now()).toBe(machine.now());
  });

  it.each([HOUR, -HOUR])('is the same in a process that starts after a jump of %d ms', (jump) => {
    const { machine, clock } = setUp();
    machine.jumpTo(machine.now() + jump);
    const note = clock.note();
    machine.advance(HOUR);
    const other = new SteadyClock(machine);
    other.resume(note);
    expect(other.now()).toBe(clock.now());
  });

  it('goes on over a jump while no process runs', () => {
    const { machine, clock } = setUp();
    const note = clock.note();
    const before = clock.now();
    machine.advance(HOUR);
    machine.jumpTo(machine.now() + HOUR);
    const other = new SteadyClock(machine);
    other.resume(note);
    expect(other.now()).toBe(before + HOUR);
  });
});
