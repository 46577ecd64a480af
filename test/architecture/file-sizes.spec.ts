import { describe, expect, it } from '@jest/globals';
import { librarySources } from './support/source-files.js';

const MOST_LINES = 300;
const MOST_MEDIAN_LINES = 85;

/** Files that are one table, and why they are not split. */
const TABLES: ReadonlyMap<string, string> = new Map([
  ['lib/common/errors.ts', 'a list of codes, and a class of a few lines for each'],
]);

const sizes = librarySources().map(({ path, text }) => ({
  path,
  lines: text.split('\n').length - 1,
}));

describe('the files of lib', () => {
  it(`have at most ${MOST_LINES} lines, tables excepted`, () => {
    const large = sizes.filter(({ lines }) => lines > MOST_LINES);

    expect(large.map(({ path }) => path)).toEqual(Array.from(TABLES.keys()));
  });

  it(`have a median below ${MOST_MEDIAN_LINES} lines`, () => {
    const sorted = sizes.map(({ lines }) => lines).toSorted((a, b) => a - b);

    expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThan(MOST_MEDIAN_LINES);
  });
});
