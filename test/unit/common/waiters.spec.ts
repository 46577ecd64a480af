import { describe, expect, it } from '@jest/globals';
import { Waiters } from '../../../lib/common/waiters.js';

describe('Waiters', () => {
  it('end when their targets are reached, the others go on', async () => {
    const waiters = new Waiters<number>();
    const ended: number[] = [];
    const all = [1, 3, 2].map(async (target) => {
      await waiters.wait(target);
      ended.push(target);
    });
    waiters.settle((target) => target <= 2);
    await Promise.all([all[0], all[2]]);

    expect(ended).toEqual([1, 2]);
    expect(waiters.size).toBe(1);
    waiters.settle(() => true);
    await all[1];
    expect(waiters.size).toBe(0);
  });

  it('tell whether they were reached within their time', async () => {
    const waiters = new Waiters<number>();
    const late = waiters.wait(1, 1);
    const early = waiters.wait(2, 60_000);
    waiters.settle((target) => target === 2);

    await expect(early).resolves.toBe(true);
    await expect(late).resolves.toBe(false);
    expect(waiters.size).toBe(0);
  });
});
