import { describe, expect, it } from '@jest/globals';
import { trendOf } from '../soak/flat.js';

const MB = 1024 * 1024;

describe('trendOf', () => {
  const points = (valueAt: (second: number) => number): [number, number][] =>
    Array.from({ length: 100 }, (_, second) => [second, valueAt(second)]);
  const noise = (second: number): number => ((second * 7919) % 13) - 6;

  it('finds what does not change flat, however noisy it is', () => {
    const trend = trendOf(
      'heap',
      points((second) => 50 * MB + noise(second) * MB),
    );
    expect(trend.isFlat).toBe(true);
    expect(Math.abs(trend.growth)).toBeLessThan(MB);
    expect(trend.mean / MB).toBeCloseTo(50, 0);
  });

  it('finds a leak in the noise', () => {
    const trend = trendOf(
      'heap',
      points((second) => 50 * MB + (noise(second) + second / 10) * MB),
    );
    expect(trend).toMatchObject({ isFlat: false, allowed: trend.mean / 10 });
    expect(trend.growth / MB).toBeCloseTo(9.9, 0);
  });

  it('finds handles that stay open', () => {
    expect(
      trendOf(
        'handles',
        points((second) => 10 + Math.floor(second / 20)),
      ).isFlat,
    ).toBe(false);
    expect(
      trendOf(
        'handles',
        points((second) => 10 + (second % 20 === 0 ? 3 : 0)),
      ).isFlat,
    ).toBe(true);
  });

  it('takes what shrinks for flat', () => {
    expect(
      trendOf(
        'rss',
        points((second) => (500 - second) * MB),
      ).isFlat,
    ).toBe(true);
  });

  it('is not tilted by a fault at the end', () => {
    const burst = points((second) => (second < 85 ? 1 : 60));

    expect(trendOf('timers', burst)).toMatchObject({ growth: 0, isFlat: true });
  });

  it('sees a leak behind bursts', () => {
    const both = points((second) => second / 5 + (second % 9 === 0 ? 50 : 0));

    expect(trendOf('timers', both).isFlat).toBe(false);
  });
});
