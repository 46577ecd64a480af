import { afterEach } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new directory, which the caller removes. */
export function makeTemporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'hypercache-test-'));
}

/** A function that makes a new directory; all of them are removed after the test that made them. */
export function useTemporaryDirectories(): () => string {
  const made: string[] = [];
  afterEach(() => {
    for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true });
  });
  return () => {
    const directory = makeTemporaryDirectory();
    made.push(directory);
    return directory;
  };
}
