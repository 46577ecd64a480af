import { describe, expect, it } from '@jest/globals';
import type { Duration } from '../../../lib/common/duration.js';
import { expiresAtFor, isExpired, NEVER } from '../../../lib/common/expiry.js';

const NOW = 1_000_000;

describe('isExpired', () => {
  it('is so from the deadline on', () => {
    expect(isExpired(NOW + 1, NOW)).toBe(false);
    expect(isExpired(NOW, NOW)).toBe(true);
    expect(isExpired(NOW - 1, NOW)).toBe(true);
    expect(isExpired(NEVER, Number.MAX_VALUE)).toBe(false);
    expect(isExpired(-Infinity, 0)).toBe(true);
  });
});

describe('expiresAtFor', () => {
  it.each([
    ['a ttl', 500, 0, NOW + 500],
    ['a ttl over the default', 500, 900, NOW + 500],
    ['a duration', '5m', 900, NOW + 300_000],
    ['a duration of zero', '0ms', 900, NEVER],
    ['a ttl of less than a millisecond', 0.2, 0, NOW + 1],
    ['no ttl', undefined, 900, NOW + 900],
    ['null', null, 900, NOW + 900],
    ['no ttl and no default', undefined, 0, NEVER],
    ['zero', 0, 900, NEVER],
    ['minus zero', -0, 900, NEVER],
    ['infinity', Infinity, 900, NEVER],
    ['a deadline beyond the last Date', 8.64e15, 0, NEVER],
    ['the last deadline', 8.64e15 - NOW, 0, 8.64e15],
    ['a negative ttl', -1, 900, NOW - 1],
    ['minus infinity', -Infinity, 900, -Infinity],
  ])('takes %s', (_name, ttl, defaultTtl, expected) => {
    expect(expiresAtFor(ttl as Duration, defaultTtl, { now: () => NOW })).toBe(expected);
  });

  it.each([
    ['NaN', NaN],
    ['a string', '500'],
    ['a Date', new Date(500)],
    ['an object', { ttl: 500 }],
    ['a bigint', 500n],
    ['a boolean', true],
  ])('refuses %s', (_name, ttl) => {
    expect(() => expiresAtFor(ttl as number, 0, { now: () => NOW })).toThrow(
      expect.objectContaining({ code: 'HC_TTL_INVALID' }),
    );
  });
});
