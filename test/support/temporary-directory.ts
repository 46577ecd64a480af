import { afterEach } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new directory, which the caller removes. */
export function makeTemporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'hypercache-test-'));
}

/**
 * A function that makes a new directory; all of them are removed after the test that made them.
 *
 * @param cleanUp `afterAll`: after the tests of the block, which share them
 */
export function useTemporaryDirectories(cleanUp: typeof afterEach = afterEach): () => string {
  const made: string[] = [];
  cleanUp(() => {
    for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true });
  });
  return () => {
    const directory = makeTemporaryDirectory();
    made.push(directory);
    return directory;
  };
}
