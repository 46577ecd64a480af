import { describe, expect, it } from '@jest/globals';
import { bytes, milliseconds, toMilliseconds } from '../../../lib/common/duration.js';

describe('milliseconds', () => {
  it.each([
    ['0ms', 0],
    ['1ms', 1],
    ['1.5s', 1500],
    ['0.3s', 300],
    ['0.07s', 70],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['1w', 604_800_000],
    ['0005s', 5000],
    [0, 0],
    [12.5, 12.5],
  ])('%p is %p', (given, ms) => {
    expect(milliseconds(given)).toBe(ms);
    expect(milliseconds(given)).toBe(ms);
  });

  it('reads any number of texts, the first ones again', () => {
    const numbers = Array.from({ length: 2500 }, (_, i) => i);
    const read = (): unknown[] => numbers.map((i) => milliseconds(`${i}s`));
    const expected = numbers.map((i) => i * 1000);
    expect([read(), read()]).toEqual([expected, expected]);
  });

  it.each([
    '5',
    '',
    's',
    '-5s',
    '+5s',
    ' 5s',
    '5s ',
    '5 s',
    '5S',
    '5M',
    '1.5.2h',
    '.5s',
    '5.s',
    '1e3s',
    'NaNs',
    'Infinityms',
    '5min',
    '5sec',
    '٥s',
    '5s\n',
    '5constructor',
    '5__proto__',
    `${'9'.repeat(400)}s`,
  ])('leaves %p for the caller to refuse', (text) => {
    expect(milliseconds(text)).toBe(text);
  });

  it.each([undefined, null, Number.NaN, {}, ['5s'], true, 5n])(
    'leaves %p as it is',
    (value: unknown) => {
      expect(milliseconds(value)).toBe(value);
    },
  );
});

describe('bytes', () => {
  it.each([
    ['1B', 1],
    ['64kB', 64_000],
    ['64KiB', 65_536],
    ['64MB', 64_000_000],
    ['64MiB', 67_108_864],
    ['1.5GiB', 1_610_612_736],
    ['2GB', 2e9],
  ])('%p is %p', (given, size) => {
    expect(bytes(given)).toBe(size);
  });

  it.each(['64', '64mb', '64M', '64 MiB', '-1MiB', '64Mib', '5s'])('leaves %p', (text) => {
    expect(bytes(text)).toBe(text);
  });
});

describe('toMilliseconds', () => {
  it.each([
    ['5m', 300_000],
    [0, 0],
    [12.5, 12.5],
  ] as const)('of %p is %p', (given, ms) => {
    expect(toMilliseconds(given)).toBe(ms);
  });

  it.each([undefined, null, '', '5', '5 minutes', -1, Number.NaN, Infinity, true, {}, 5n])(
    'refuses %p by its name',
    (given) => {
      expect(() => toMilliseconds(given as never, 'pause')).toThrow(
        expect.objectContaining({
          code: 'HC_ARGUMENT_INVALID',
          message: expect.stringMatching(/^The pause is not acceptable/),
        }),
      );
    },
  );
});
