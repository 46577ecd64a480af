import { afterEach } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { makeTemporaryDirectory } from './temporary-directory.js';

const DISK_BYTES = 8 * 1024 * 1024;
const FILLER = 'filler';

/** How tests get disks that are soon full. */
export interface SmallDisks {
  /** A directory on a disk of its own; unmounted after the test. */
  mount(): string;
}

function mountDisk(): string | undefined {
  const path = makeTemporaryDirectory();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', path], {
      stdio: 'ignore',
    });
    return path;
  } catch {
    rmSync(path, { recursive: true });
    return undefined;
  }
}

function unmountDisk(path: string): void {
  execFileSync('umount', ['-l', path]);
  rmSync(path, { recursive: true });
}

/** Whether this process may mount one. */
export const canMountDisks = ((): boolean => {
  const probe = mountDisk();
  if (probe !== undefined) unmountDisk(probe);
  return probe !== undefined;
})();

/** To be called after what opens files on them: Jest runs the hooks in order, and the files are closed first. */
export function useSmallDisks(): SmallDisks {
  const disks: string[] = [];
  afterEach(() => {
    for (const disk of disks.splice(0)) unmountDisk(disk);
  });
  return {
    mount() {
      const path = mountDisk() ?? '';
      disks.push(path);
      return path;
    },
  };
}

/** Leaves no room on a disk. */
export function fillDisk(disk: string): void {
  const file = openSync(join(disk, FILLER), 'w');
  try {
    for (let size = 1024 * 1024; size >= 512; size /= 2) {
      try {
        for (;;) writeSync(file, Buffer.alloc(size));
      } catch {
        // Smaller pieces may still fit.
      }
    }
  } finally {
    closeSync(file);
  }
}

/** Gives back what {@link fillDisk} took. */
export function freeDisk(disk: string): void {
  rmSync(join(disk, FILLER));
}

/** Nothing can be changed on the disk from here on, or again. */
export function remount(disk: string, mode: 'ro' | 'rw'): void {
  execFileSync('mount', ['-o', `remount,${mode}`, disk]);
}
