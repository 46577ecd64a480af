import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { StorageOpenError } from '../../common/errors.js';
import { VERSION } from '../../common/version.js';
import type { Compiler } from './edit.js';
import { planInstall, type InstallPlan, type InstallRequest } from './plan-install.js';

/** What was done or, in a dry run, would be done. @internal */
export interface Installed extends Pick<InstallPlan, 'changes' | 'notes' | 'manager'> {
  /** Whether packages were added and have yet to be installed. */
  readonly mustInstall: boolean;
}

/**
 * Adds the cache to the application in a directory.
 *
 * @throws {HC_STORAGE_OPEN} when a file cannot be written
 * @internal
 */
export function install(
  directory: string,
  request: Omit<InstallRequest, 'version'>,
  { isDry, installs }: { isDry: boolean; installs: boolean },
): Installed {
  const files = {
    read: (path: string): string | undefined => {
      const absolute = join(directory, path);
      return existsSync(absolute) ? readFileSync(absolute, 'utf8') : undefined;
    },
  };
  const plan = planInstall(files, { ...request, version: `^${VERSION}` }, compilerOf(directory));
  if (isDry) return plan;
  for (const { path, text } of plan.changes) {
    try {
      writeFileSync(join(directory, path), text);
    } catch (cause) {
      throw new StorageOpenError(
        `${path} cannot be written.`,
        'Run this as the user that owns the sources.',
        { cause },
      );
    }
  }
  if (!plan.mustInstall || !installs) return plan;
  const { status } = spawnSync(plan.manager, ['install'], {
    cwd: directory,
    // The output of the package manager is for people, and ours may be for a program.
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
  return { ...plan, mustInstall: status !== 0 };
}

function compilerOf(directory: string): Compiler | undefined {
  try {
    return createRequire(join(directory, 'package.json'))('typescript') as Compiler;
  } catch {
    return undefined;
  }
}
