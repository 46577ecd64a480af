import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { SystemClock } from '../../../lib/common/clock.js';

describe('SystemClock', () => {
  let reads = 0;
  beforeEach(() => {
    reads = 0;
    jest.spyOn(Date, 'now').mockImplementation(() => 1000 + reads++);
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('reads the time once in a turn for the hit path', async () => {
    const clock = new SystemClock();
    const first = [clock.coarseNow(), clock.coarseNow(), clock.coarseNow()];
    await nextTurn();
    expect([first, clock.coarseNow()]).toEqual([[1000, 1000, 1000], 1001]);
  });

  it('reads it again after 256 uses in a turn that does not end', async () => {
    const clock = new SystemClock();
    const seen = Array.from({ length: 1000 }, () => clock.coarseNow());
    expect(new Set(seen)).toEqual(new Set([1000, 1001, 1002, 1003]));
    for (let i = 0; i < 1000; i++) {
      await Promise.resolve();
      clock.coarseNow();
    }
    expect(reads).toBeGreaterThanOrEqual(7);
    await nextTurn();
  });

  it('has a time that always moves on, whatever happens to the wall clock', () => {
    const clock = new SystemClock();
    const before = clock.monotonic();
    jest.spyOn(Date, 'now').mockReturnValue(0);
    expect(clock.monotonic()).toBeGreaterThanOrEqual(before);
  });
});
