import { describe, expect, it } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { judgeHistories } from '../support/session-guarantees.js';
import { useTemporaryDirectories } from '../support/temporary-directory.js';

const directory = useTemporaryDirectories();

/** How many violations a history of one node has, besides the writes of another one. */
async function violationsIn(...lines: readonly (readonly unknown[])[]): Promise<number> {
  const home = directory();
  const others = [
    ['write', 'default/s', 'old', 10, 1, 2],
    ['write', 'default/s', 'new', 20, 3, 4],
    ['write', 'default/d', 'gone', 15, 5, 6],
  ];
  const files = new Map(['node', 'other'].map((name) => [name, join(home, name)]));
  const write = (name: string, all: readonly unknown[]): void =>
    writeFileSync(files.get(name) ?? '', all.map((line) => `${JSON.stringify(line)}\n`).join(''));
  write('node', lines);
  write('other', others);
  return (await judgeHistories(files)).violations.length;
}

describe('judgeHistories', () => {
  it('allows reads that go forward', async () => {
    expect(
      await violationsIn(
        ['read', 'default/s', null, null, 1, 2],
        ['read', 'default/s', 'old', null, 3, 4],
        ['read', 'default/s', 'new', null, 5, 6],
      ),
    ).toBe(0);
  });

  it('finds a read that goes back', async () => {
    expect(
      await violationsIn(
        ['read', 'default/s', 'new', null, 1, 2],
        ['read', 'default/s', 'old', null, 3, 4],
      ),
    ).toBe(1);
  });

  it('allows either order of reads that overlap', async () => {
    expect(
      await violationsIn(
        ['read', 'default/s', 'new', null, 1, 3],
        ['read', 'default/s', 'old', null, 2, 4],
      ),
    ).toBe(0);
  });

  it("finds a read that does not see the node's own write", async () => {
    expect(
      await violationsIn(
        ['write', 'default/s', 'own', 15, 1, 2],
        ['read', 'default/s', 'old', null, 3, 4],
      ),
    ).toBe(1);
  });

  it('finds a miss of a key that is never deleted', async () => {
    expect(
      await violationsIn(
        ['write', 'default/s', 'own', 15, 1, 2],
        ['read', 'default/s', null, null, 3, 4],
      ),
    ).toBe(1);
  });

  it('finds a value that comes back after its deletion', async () => {
    expect(
      await violationsIn(
        ['read', 'default/d', 'gone', null, 1, 2],
        ['gone', 'default/d', null, null, 3, 4],
        ['read', 'default/d', 'gone', null, 5, 6],
      ),
    ).toBe(1);
  });

  it('finds a counter that goes back', async () => {
    expect(
      await violationsIn(['count', 'counter', null, 5, 1, 2], ['count', 'counter', null, 4, 3, 4]),
    ).toBe(1);
  });
});
