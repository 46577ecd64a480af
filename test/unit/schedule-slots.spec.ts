import { describe, expect, it } from '@jest/globals';
import { CronJob } from 'cron';
import { lastSlot } from '../../lib/schedule/slots.js';

const at = (text: string): number => Date.parse(text);
const last = (cron: string | Date, now: string, timeZone = 'UTC') =>
  lastSlot(CronJob.from({ cronTime: cron, onTick: () => undefined, timeZone }), at(now));

describe('lastSlot', () => {
  it.each([
    ['* * * * * *', '2026-11-29T12:00:00.001Z', '2026-11-29T12:00:00Z', 1000],
    // A timer that fires too early, and one that fires late.
    ['0 * * * * *', '2026-11-29T11:59:59.990Z', '2026-11-29T12:00:00Z', 60_000],
    ['0 * * * * *', '2026-11-29T12:00:07.100Z', '2026-11-29T12:00:00Z', 60_000],
    ['0 0 3 * * *', '2026-11-29T02:59:59.000Z', '2026-11-28T03:00:00Z', 86_400_000],
    // Every second of an hour, long ago.
    ['* * 3 * * *', '2026-11-29T22:00:00.000Z', '2026-11-29T03:59:59Z', 82_801_000],
    ['0 0 0 29 2 *', '2026-11-29T12:00:00.000Z', '2024-02-29T00:00:00Z', 126_230_400_000],
  ])('of %s at %s is %s', (cron, now, slot, period) => {
    expect(last(cron, now, 'UTC')).toEqual({ at: at(slot), period });
  });

  it('of a time zone is an instant, whatever the clocks of that zone do', () => {
    const zone = 'Europe/Berlin';
    // The night in which 02:30 came twice, and the one in which it did not come.
    const autumn = last('0 0 3 * * *', '2026-10-25T12:00:00Z', zone);
    expect(autumn?.at).toBe(at('2026-10-25T02:00:00Z'));
    expect(last('0 0 3 * * *', '2026-10-24T12:00:00Z', zone)?.at).toBe(at('2026-10-24T01:00:00Z'));
    expect(last('0 0 3 * * *', '2026-03-29T12:00:00Z', zone)?.at).toBe(at('2026-03-29T01:00:00Z'));
  });

  it('of a date is that date, once it has come', () => {
    const date = new Date('2030-01-01T00:00:00Z');
    expect(last(date, '2029-12-31T23:59:00Z')).toBeUndefined();
    expect(last(date, '2030-01-01T00:00:00.005Z')).toMatchObject({ at: date.getTime() });
  });
});
