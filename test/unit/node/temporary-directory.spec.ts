import { describe, expect, it } from '@jest/globals';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  removeTemporaries,
  withTemporaryDirectory,
} from '../../../lib/node/temporary-directory.js';
import { FileLock } from '../../../lib/sqlite/file-lock.js';
import { deferred } from '../../support/deferred.js';
import { useTemporaryDirectories } from '../../support/temporary-directory.js';

describe('Temporary directories', () => {
  const newDirectory = useTemporaryDirectories();

  function leftIn(parent: string): string {
    const left = join(parent, 'temporary-k1LL3d');
    mkdirSync(left);
    writeFileSync(join(left, 'hypercache.sqlite'), 'half a backup');
    return left;
  }
  const namesIn = (directory: string): string[] =>
    readdirSync(directory).filter((name) => name.startsWith('temporary-'));

  it('that were left behind are removed, and nothing else', () => {
    const parent = newDirectory();
    leftIn(parent);
    writeFileSync(join(parent, 'of-somebody-else'), 'not ours');
    removeTemporaries(parent);

    expect(namesIn(parent)).toEqual([]);
    expect(readFileSync(join(parent, 'of-somebody-else'), 'utf8')).toBe('not ours');
  });

  it('stay while one of them is in use', async () => {
    const parent = newDirectory();
    const ends = [deferred<void>(), deferred<void>()];
    const uses = ends.map(({ promise }) => {
      const begun = deferred<string>();
      const over = withTemporaryDirectory(parent, async (path) => {
        writeFileSync(path, 'a backup');
        begun.resolve(path);
        await promise;
      });
      return { begun: begun.promise, over };
    });
    const paths = await Promise.all(uses.map(({ begun }) => begun));
    leftIn(parent);

    for (const [i, { over }] of uses.entries()) {
      removeTemporaries(parent);
      expect(readFileSync(paths[i] ?? '', 'utf8')).toBe('a backup');
      ends[i]?.resolve();
      await over;
    }
    expect(namesIn(parent)).toEqual(['temporary-k1LL3d']);
    removeTemporaries(parent);
    expect(namesIn(parent)).toEqual([]);
  });

  describe('while what was left is being removed', () => {
    function removing(parent: string): FileLock {
      const remover = new FileLock(join(parent, 'hypercache.temporary'));
      expect(remover.tryAcquire()).toBe(true);
      return remover;
    }

    it('are waited for, without holding the event loop', async () => {
      const parent = newDirectory();
      const remover = removing(parent);
      const over = withTemporaryDirectory(parent, async (path) => writeFileSync(path, 'a backup'));
      setImmediate(() => remover.release());

      await expect(over).resolves.toBeUndefined();
      expect(namesIn(parent)).toEqual([]);
    });

    it('are given up after a second', async () => {
      const parent = newDirectory();
      const remover = removing(parent);

      await expect(withTemporaryDirectory(parent, async () => undefined)).rejects.toMatchObject({
        code: 'HC_BACKUP_FAILED',
        hint: 'Try again.',
      });
      remover.release();
    });
  });

  it('go when what they are for has failed', async () => {
    const parent = newDirectory();
    const failing = withTemporaryDirectory(parent, async (path) => {
      expect(dirname(dirname(path))).toBe(parent);
      throw new Error('no backup');
    });

    await expect(failing).rejects.toThrow('no backup');
    expect(namesIn(parent)).toEqual([]);
  });

  it('are none in a directory that is not there', () => {
    expect(() => removeTemporaries(join(newDirectory(), 'missing'))).not.toThrow();
  });
});
