import { describe, expect, it } from '@jest/globals';
import { createNode } from '../../../lib/node/create-node.js';
import { resolveOptions } from '../../../lib/node/resolve-options.js';
import { fillFile } from '../../support/many-entries.js';
import { useNodes } from '../../support/nodes.js';
import { useTemporaryDirectories } from '../../support/temporary-directory.js';

const ENTRIES = 200_000;
const CALLS = 21;

/** Milliseconds that one of several calls takes. */
function medianOf(call: () => unknown): number {
  const times = Array.from({ length: CALLS }, () => {
    const began = performance.now();
    call();
    return performance.now() - began;
  });
  return times.toSorted((a, b) => a - b)[(CALLS - 1) / 2] ?? 0;
}

describe('the listing of many entries', () => {
  const directory = useTemporaryDirectories();
  const start = useNodes();

  it('finds a prefix at the end as fast as one at the beginning', async () => {
    const sqlitePath = directory();
    const first = createNode(resolveOptions({ sqlitePath }, {}), {});
    await first.start();
    await first.cache('default').set('a', 1);
    await first.close();
    fillFile(sqlitePath, ENTRIES);
    const { listing } = await start({ sqlitePath });
    const page = (prefix: string, after = '') =>
      listing?.page({ namespace: 'default', prefix, after, limit: 10, values: false });

    const atBeginning = medianOf(() => page('key:00000'));
    const atEnd = medianOf(() => page('key:0199'));

    expect(page('key:0199')?.entries[0]?.key).toBe('key:0199000');
    expect(page('key:0199', 'key:0199009')?.entries[0]?.key).toBe('key:0199010');
    // What was seen may lie before the prefix.
    expect(page('key:0199', 'a')?.entries[0]?.key).toBe('key:0199000');
    expect(page('', 'key:0199998')?.entries.map(({ key }) => key)).toEqual([
      'key:0199999',
      'key:0200000',
    ]);
    expect(atEnd).toBeLessThan(5 * atBeginning + 1);
  });
});
