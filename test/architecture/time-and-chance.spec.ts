import { describe, expect, it } from '@jest/globals';
import { timeAndChanceViolations } from './rules/time-and-chance.js';
import { librarySources, parse } from './support/source-files.js';

describe('time and randomness', () => {
  it('come from one file each', () => {
    expect(librarySources().flatMap(timeAndChanceViolations)).toEqual([]);
  });

  it.each([
    ['Date.now()'],
    ['new Date()'],
    ['new Date'],
    ['Date()'],
    ['performance.now()'],
    ['process.hrtime()'],
    ['process.hrtime.bigint()'],
    ['globalThis.performance.now()'],
    ['const now = Date.now;'],
    ["import { hrtime } from 'node:process';"],
  ])('time is not read elsewhere by %s', (text) => {
    expect(timeAndChanceViolations(parse('lib/cache/a.ts', text))).toHaveLength(1);
    expect(timeAndChanceViolations(parse('lib/common/clock.ts', text))).toEqual([]);
  });

  it.each([
    ['Math.random()'],
    ['crypto.randomUUID()'],
    ['globalThis.crypto.getRandomValues(bytes)'],
    ["import { randomBytes } from 'node:crypto';"],
    ["import { randomUUID as id } from 'crypto';"],
  ])('randomness is not drawn elsewhere by %s', (text) => {
    expect(timeAndChanceViolations(parse('lib/cache/a.ts', text))).toHaveLength(1);
    expect(timeAndChanceViolations(parse('lib/common/random.ts', text))).toEqual([]);
  });

  it.each([['new Date(expiresAt)'], ['clock.now()'], ['random.hex(16)'], ['// Date.now()']])(
    'take no offence at %s',
    (text) => {
      expect(timeAndChanceViolations(parse('lib/cache/a.ts', text))).toEqual([]);
    },
  );
});
