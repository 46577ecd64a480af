import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { useTemporaryDirectories } from '../../support/temporary-directory.js';

const PROGRAM = join(import.meta.dirname, '../../support/programs/round-trips.mjs');

describe.each([
  ['may make no code from strings', ['--disallow-code-generation-from-strings', PROGRAM]],
  ['has frozen all prototypes', [PROGRAM, '--frozen']],
])('A process that %s', (_name, [first = '', second = '']) => {
  const directory = useTemporaryDirectories();

  it.each([true, false])('reads what it writes, with memory: %s', async (l1) => {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [
      first,
      second,
      directory(),
      String(l1),
    ]);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({
      id: 39,
      in: { a: [1], b: { id: 39 } },
      rows: [{ id: 39 }, { id: 39 }],
      toString: { constructor: [39] },
      refused: 'HC_VALUE_UNSUPPORTED UnsupportedValueError',
    });
  });
});
