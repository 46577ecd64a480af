import { describe, expect, it } from '@jest/globals';
import { trendOf } from '../../soak/flat.js';

const seconds = Array.from({ length: 45 }, (_, second) => second);

describe('trendOf', () => {
  it('takes what grows for no flat line', () => {
    const leak = seconds.map((second) => [second, 2 + second / 3] as const);

    expect(trendOf('timers', leak).growth).toBeCloseTo(44 / 3);
    expect(trendOf('timers', leak).isFlat).toBe(false);
  });

  it('is not tilted by a fault at the end', () => {
    const burst = seconds.map((second) => [second, second < 38 ? 1 : 60] as const);

    expect(trendOf('timers', burst)).toMatchObject({ growth: 0, isFlat: true });
  });

  it('sees a leak behind bursts', () => {
    const both = seconds.map((second) => [second, second + (second % 9 === 0 ? 50 : 0)] as const);

    expect(trendOf('timers', both).isFlat).toBe(false);
  });
});
