import { readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { manifestOf } from './check-runtime.js';
import { ok, problem, skipped, warning, type Finding, type Patient } from './finding.js';

interface Installed {
  readonly directory: string;
  readonly version: string;
}

/** All packages must use the same copy of each of these: tokens, classes and stores are compared by identity. */
const SHARED = ['@nestjs/common', '@nestjs/core', '@nestjs/cache-manager', 'cache-manager', 'keyv'];
/** The packages that use them. */
const USERS = ['nestjs-hypercache', '@nestjs/cache-manager', 'cache-manager'];

/** Two copies of a package that must exist only once. @internal */
export function checkCopies({ application }: Patient): Finding[] {
  return SHARED.map((name) => {
    const check = `copies of ${name}`;
    const own = installed(name, application);
    if (own === undefined) {
      return problem(
        check,
        `${name} is not installed.`,
        `Install it: see "npx --no hypercache install".`,
      );
    }
    const other = USERS.map((user) => installed(user, application))
      .map((user) => (user === undefined ? undefined : installed(name, user.directory)))
      .find((copy) => copy !== undefined && copy.directory !== own.directory);
    if (other === undefined) return ok(check, `${name} ${own.version}, once`);
    return problem(
      check,
      `There are two copies of ${name}: ${own.version} in ${own.directory} and ${other.version} in ${other.directory}.`,
      `Let all packages take one version of ${name}: run "npm dedupe" or "pnpm dedupe", or set it in overrides (npm), resolutions (yarn) or pnpm.overrides.`,
    );
  });
}

/** cache-manager 7 reads the content of Keyv 5 stores in a form of its own. @internal */
export function checkKeyv({ application }: Patient): Finding[] {
  const check = 'keyv with cache-manager';
  const keyv = installed('keyv', application);
  const manager = installed('cache-manager', application);
  if (keyv === undefined || manager === undefined)
    return [skipped(check, 'one of them is not installed')];
  if (majorOf(keyv) < 5) {
    return [problem(check, `keyv ${keyv.version} is too old.`, 'Run "npm install keyv@5".')];
  }
  if (majorOf(keyv) >= 6 && majorOf(manager) <= 7) {
    return [
      warning(
        check,
        `keyv ${keyv.version} with cache-manager ${manager.version}: your own stores behind new Keyv() break wrap and ttl.`,
        'Run "npm install keyv@5".',
      ),
    ];
  }
  return [ok(check, `keyv ${keyv.version}, cache-manager ${manager.version}`)];
}

/** Jest without its flag for ES modules cannot load Nest 12. @internal */
export function checkJest({ application }: Patient): Finding[] {
  const manifest = manifestOf(application);
  const { scripts, devDependencies, dependencies } = manifest;
  const all = { ...Object(dependencies), ...Object(devDependencies) } as Record<string, unknown>;
  if (all['jest'] === undefined) return [skipped('jest', 'it is not used')];
  const cacheManager = installed('@nestjs/cache-manager', application);
  const hasFlag = JSON.stringify(Object(scripts)).includes('--experimental-vm-modules');
  if (cacheManager === undefined || majorOf(cacheManager) < 12 || hasFlag) {
    return [ok('jest', 'it can load what the application uses')];
  }
  return [
    warning(
      'jest',
      `Jest cannot require @nestjs/cache-manager ${cacheManager.version}, which is an ES module.`,
      'With Nest 11 run "npm install @nestjs/cache-manager@3"; with Nest 12 use vitest, or start Jest with "node --experimental-vm-modules node_modules/jest/bin/jest.js". See docs/testing.md of nestjs-hypercache.',
    ),
  ];
}

/** Resolves a package as a module in that directory would. */
function installed(name: string, from: string): Installed | undefined {
  const require = createRequire(join(from, 'package.json'));
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      const path = realpathSync(join(folder, name, 'package.json'));
      const { version }: { version?: unknown } = Object(JSON.parse(readFileSync(path, 'utf8')));
      return { directory: dirname(path), version: String(version) };
    } catch {
      // The package is not in this folder.
    }
  }
  return undefined;
}

function majorOf({ version }: Installed): number {
  return Number(version.split('.')[0]);
}
