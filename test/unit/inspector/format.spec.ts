import { describe, expect, it } from '@jest/globals';
import {
  formatBytes,
  formatDuration,
  formatRate,
  formatRatio,
  formatTime,
} from '../../../lib/inspector/format.js';

describe('the formats of the inspector', () => {
  it.each([
    [0, '0 B'],
    [1023, '1,023 B'],
    [1536, '1.5 KiB'],
    [64 * 1024 * 1024, '64 MiB'],
    [3 * 1024 ** 4, '3 TiB'],
    [5000 * 1024 ** 4, '5,000 TiB'],
  ])('show %d bytes as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it.each([
    [0, '0 ms'],
    [999.4, '999 ms'],
    [1500, '1.5 s'],
    [60_000, '1 min'],
    [200_000, '3 min 20 s'],
    [7_500_000, '2 h 5 min'],
    [356_400_000, '4 d 3 h'],
  ])('show %d ms as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it('show rates, ratios and times', () => {
    expect([formatRate(0.44), formatRate(1234.4)]).toEqual(['0.4', '1,234']);
    expect(formatRatio(0.9954)).toBe('99.5 %');
    expect(formatTime(Date.UTC(2026, 0, 2, 14, 3, 22, 125))).toBe('14:03:22.125');
  });
});
