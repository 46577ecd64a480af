import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { codesInText, codesInValues } from './rules/error-codes.js';
import { librarySources, parse, root } from './support/source-files.js';

const documented = (): Set<string> =>
  codesInText(readFileSync(join(root, 'docs/errors.md'), 'utf8'));

const missingFrom = (wanted: Iterable<string>, present: ReadonlySet<string>): string[] =>
  [...new Set(wanted)].filter((code) => !present.has(code)).toSorted();

describe('the error codes', () => {
  it('are all in docs/errors.md', () => {
    const mentioned = librarySources().flatMap((file) => [...codesInText(file.text)]);

    expect(mentioned.length).toBeGreaterThan(0);
    expect(missingFrom(mentioned, documented())).toEqual([]);
  });

  it('in docs/errors.md are no ghosts', () => {
    const used = new Set(librarySources().flatMap((file) => [...codesInValues(file)]));

    expect(missingFrom(documented(), used)).toEqual([]);
  });

  it('are told from prefixes, types and comments', () => {
    const file = parse(
      'lib/common/a.ts',
      "/** HC_IN_COMMENT */ type Code = 'HC_IN_TYPE'; const code = 'HC_IN_VALUE';",
    );

    expect([...codesInValues(file)]).toEqual(['HC_IN_VALUE']);
    expect([...codesInText(file.text)]).toEqual(['HC_IN_COMMENT', 'HC_IN_TYPE', 'HC_IN_VALUE']);
    expect([...codesInText('HC_... and HC_STORAGE_* are prefixes')]).toEqual([]);
  });
});
