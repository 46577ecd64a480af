import { describe, expect, it } from '@jest/globals';
import { epochNow, EPOCH_TOKENS, HISTORY_LEAP, nextEpoch } from '../../../lib/sqlite/epoch.js';

const BEGIN = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;
const NOW = BEGIN + 1000 * HOUR;

describe('nextEpoch', () => {
  it.each([true, false])(
    'is the time of the start in ms since 2026, stopped cleanly: %s',
    (isKnown) => {
      expect(nextEpoch({ epoch: 0, at: undefined }, NOW, isKnown)).toBe(1000 * HOUR);
      const last = { epoch: 1000 * HOUR, at: NOW };
      expect(nextEpoch(last, NOW + 24 * HOUR, true)).toBe(1024 * HOUR + 1);
    },
  );

  it('differs for two starts from one file, and is larger for the later one', () => {
    for (const epoch of [10, 1000 * HOUR, 1000 * HOUR + HISTORY_LEAP]) {
      const starts = [1, 2, 1000, HOUR].map((ms) => nextEpoch({ epoch, at: NOW }, NOW + ms, false));
      expect(starts).toEqual(starts.toSorted((a, b) => a - b));
      expect(new Set(starts).size).toBe(4);
    }
  });

  it('grows over clocks that stand still, are set back, or are wrong by years', () => {
    let last = { epoch: 5, at: NOW };
    for (const now of [
      NOW,
      NOW - HOUR,
      0,
      BEGIN,
      Date.UTC(2100, 0, 1),
      NOW,
      Date.UTC(2100, 0, 1),
      0,
    ]) {
      for (const isKnown of [true, false]) {
        const next = nextEpoch(last, now, isKnown);
        expect(next).toBeGreaterThan(last.epoch);
        if (!isKnown && now <= last.at) expect(next - last.epoch).toBeGreaterThanOrEqual(2 ** 20);
        last = { epoch: next, at: now };
      }
    }
    expect(Number.isSafeInteger(last.epoch * EPOCH_TOKENS)).toBe(true);
  });

  it('leaves room for tokens until 2060 and a thousand promotions', () => {
    const last = {
      epoch: nextEpoch({ epoch: 0, at: undefined }, Date.UTC(2059, 0, 1), false),
      at: 0,
    };
    expect(Number.isSafeInteger((last.epoch + 1000 * HISTORY_LEAP) * EPOCH_TOKENS)).toBe(true);
  });

  it('counts what has passed for another one too', () => {
    expect(epochNow({ epoch: 7, at: NOW }, NOW + HOUR)).toBe(7 + HOUR);
    expect(epochNow({ epoch: 7, at: undefined }, NOW)).toBe(7);
    expect(epochNow({ epoch: 7, at: NOW }, NOW - HOUR)).toBe(7);
  });
});
