import { describe, expect, it } from '@jest/globals';
import { strictnessViolations } from './rules/strictness.js';
import { librarySources, parse } from './support/source-files.js';

describe('strictness', () => {
  it('is kept by every file of lib', () => {
    expect(librarySources().flatMap(strictnessViolations)).toEqual([]);
  });

  it.each([
    ['let x: any;'],
    ['const x = y as any;'],
    ['const x = y!;'],
    ['const x = y!.z;'],
    ['class A { x!: string }'],
    ["throw new Error('no');"],
    ["throw Error('no');"],
    ["throw new TypeError('no');"],
  ])('refuses %s', (text) => {
    expect(strictnessViolations(parse('lib/cache/a.ts', text))).toHaveLength(1);
  });

  it.each([
    ['let x: unknown;'],
    ['const x = !y;'],
    ['if (x !== y) {}'],
    ['class A extends Error {}'],
    ['cause instanceof Error'],
    ["const any = 'any';"],
  ])('allows %s', (text) => {
    expect(strictnessViolations(parse('lib/cache/a.ts', text))).toEqual([]);
  });
});
