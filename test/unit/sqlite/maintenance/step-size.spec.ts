import { describe, expect, it } from '@jest/globals';
import { AdaptiveBatch } from '../../../../lib/sqlite/maintenance/adaptive-batch.js';
import { ManualClock } from '../../../support/manual-clock.js';

describe('AdaptiveBatch', () => {
  /** The limits of so many steps on a machine that takes `msPerRow` for each row, of which enough are there. */
  function limits(
    size: AdaptiveBatch,
    clock: ManualClock,
    steps: number,
    msPerRow: number,
  ): number[] {
    return Array.from({ length: steps }, () =>
      size.run((limit) => {
        clock.advance(limit * msPerRow);
        return limit;
      }),
    );
  }

  it('grows to what fits into half a millisecond, and no further', () => {
    const clock = new ManualClock();
    const size = new AdaptiveBatch(clock, 10, 1000);
    expect(limits(size, clock, 7, 1 / 512)).toEqual([10, 20, 40, 80, 160, 256, 256]);
  });

  it('shrinks when the same rows take longer', () => {
    const clock = new ManualClock();
    const size = new AdaptiveBatch(clock, 10, 1000);
    limits(size, clock, 10, 1 / 512);
    expect(limits(size, clock, 5, 1 / 8)).toEqual([256, 64, 16, 10, 10]);
  });

  it('stays within its bounds', () => {
    const clock = new ManualClock();
    const size = new AdaptiveBatch(clock, 10, 100);
    expect(limits(size, clock, 6, 0)).toEqual([10, 20, 40, 80, 100, 100]);
  });

  it('learns nothing from a step that found fewer rows', () => {
    const clock = new ManualClock();
    const size = new AdaptiveBatch(clock, 10, 1000);
    for (let i = 0; i < 5; i++) size.run(() => 9);
    expect(limits(size, clock, 1, 1)).toEqual([10]);
  });
});
