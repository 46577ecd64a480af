import { describe, expect, it } from '@jest/globals';
import { Backoff } from '../../../lib/common/backoff.js';

const backoffOf = (hex: string): Backoff => new Backoff({ hex: () => hex }, 100, 1000);

describe('Backoff', () => {
  it('doubles its bound up to the last one, and begins anew after a success', () => {
    const backoff = backoffOf('80000000');

    expect(Array.from({ length: 6 }, () => backoff.next())).toEqual([50, 100, 200, 400, 500, 500]);
    expect(backoff.failures).toBe(6);
    backoff.reset();
    expect(backoff.failures).toBe(0);
    expect(backoff.next()).toBe(50);
  });

  it('takes any share of the bound, nothing included', () => {
    expect(backoffOf('00000000').next()).toBe(0);
    expect(backoffOf('ffffffff').next()).toBeCloseTo(100, 3);
  });

  it('stays finite however often it fails', () => {
    const backoff = backoffOf('ffffffff');
    for (let i = 0; i < 2000; i++) backoff.next();

    expect(backoff.next()).toBeLessThan(1000);
  });
});
