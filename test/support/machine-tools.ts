import { it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const LIBRARIES = '/usr/lib';

/** `it` where the machine has what the tests need; where it has not, they are skipped, and stderr says why. */
export function itWhere(isThere: boolean, what: string): typeof it {
  if (isThere) return it;
  process.stderr.write(`Skipped, because this machine has no ${what}.\n`);
  return it.skip as typeof it;
}

/** libfaketime, where it is installed (Debian: the package "faketime"). */
export const fakeTimeLibrary: string | undefined = (
  existsSync(LIBRARIES) ? readdirSync(LIBRARIES) : []
)
  .map((triplet) => join(LIBRARIES, triplet, 'faketime', 'libfaketimeMT.so.1'))
  .find((path) => existsSync(path));

/** A Chromium, where it is installed (Debian: the package "chromium"). */
export const chromium: string | undefined = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => existsSync(path));

/** Whether processes can be run under strace with faults injected. */
export const hasStrace = ((): boolean => {
  try {
    const inject = ['-f', '-e', 'trace=fsync', '-e', 'inject=fsync:error=EIO:when=65535'];
    execFileSync('strace', [...inject, 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/** The wall clock of processes that are started with its environment. */
export class FakedWallClock {
  readonly environment: NodeJS.ProcessEnv;

  /** @param file to be made, which tells the processes how far their clock is off */
  constructor(private readonly file: string) {
    this.set(0);
    this.environment = {
      LD_PRELOAD: fakeTimeLibrary,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }

  /** @param seconds ahead of the real time */
  set(seconds: number): void {
    writeFileSync(this.file, `${seconds < 0 ? '' : '+'}${seconds}`);
  }
}
