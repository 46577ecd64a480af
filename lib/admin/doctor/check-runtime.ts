import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { HyperCacheError } from '../../common/errors.js';
import { decisionOf } from '../install/edit-workspace.js';
import { load } from '../../sqlite/native.js';
import { ok, problem, skipped, type Finding, type Patient } from './finding.js';

/** The same as `engines` of package.json. */
const OLDEST: readonly (readonly [major: number, minor: number])[] = [
  [20, 19],
  [22, 12],
  [24, 0],
];

/** The version of Node. @internal */
export function checkNode({ nodeVersion }: Patient): Finding[] {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  const isFine = major >= 24 || OLDEST.some(([of, from]) => major === of && minor >= from);
  if (isFine) return [ok('node', `Node ${nodeVersion}`)];
  return [
    problem(
      'node',
      `Node ${nodeVersion} is not supported.`,
      'Use Node 20.19 or newer of 20, 22.12 or newer of 22, or 24 and newer.',
    ),
  ];
}

/** The native part of better-sqlite3, as the application loads it. @internal */
export function checkNative({ application, nodeApi }: Patient): Finding[] {
  const require = createRequire(join(application, 'package.json'));
  try {
    load(require, nodeApi);
    return [ok('better-sqlite3', 'its native part loads')];
  } catch (error) {
    if (!(error instanceof HyperCacheError)) throw error;
    return [
      problem(
        'better-sqlite3',
        error.message.slice(0, -error.hint.length).trim(),
        fixOf(application, error.hint),
      ),
    ];
  }
}

interface PackageManager {
  readonly name: string;
  readonly lock: readonly string[];
  readonly allowed: (manifest: Readonly<Record<string, unknown>>, application: string) => boolean;
  readonly fix: string;
}

const PACKAGE = 'better-sqlite3';

const MANAGERS: readonly PackageManager[] = [
  {
    name: 'pnpm',
    lock: ['pnpm-lock.yaml'],
    allowed: pnpmAllows,
    fix: 'Run "pnpm approve-builds better-sqlite3" (it adds better-sqlite3 to the builds that pnpm-workspace.yaml allows), then "pnpm rebuild better-sqlite3".',
  },
  {
    name: 'yarn',
    lock: ['yarn.lock'],
    allowed: ({ dependenciesMeta }, application) =>
      Object(dependenciesMeta)[PACKAGE]?.built === true ||
      !textOf(join(application, '.yarnrc.yml')).includes('enableScripts: false'),
    fix: 'Set dependenciesMeta["better-sqlite3"].built to true in package.json, and run "yarn rebuild better-sqlite3".',
  },
  {
    name: 'bun',
    lock: ['bun.lock', 'bun.lockb'],
    allowed: ({ trustedDependencies }) => lists(trustedDependencies),
    fix: 'Run "bun pm trust better-sqlite3".',
  },
  {
    name: 'npm',
    lock: ['package-lock.json'],
    allowed: ({ allowScripts }, application) =>
      Object(allowScripts)[PACKAGE] !== false &&
      !/^ignore-scripts *= *true/m.test(textOf(join(application, '.npmrc'))),
    fix: 'Run "npm install-scripts approve better-sqlite3" (npm 11 and newer; take ignore-scripts out of .npmrc where it is), then "npm rebuild better-sqlite3".',
  },
];

/** Whether the package manager lets better-sqlite3 download or compile its native part. @internal */
export function checkInstallScripts({ application }: Patient): Finding[] {
  const manager = managerOf(application);
  if (manager === undefined) return [skipped('install scripts', 'there is no lock file')];
  if (manager.allowed(manifestOf(application), application)) {
    return [ok('install scripts', `${manager.name} does not block that of better-sqlite3 here`)];
  }
  return [
    problem(
      'install scripts',
      `${manager.name} blocks the install script of better-sqlite3.`,
      manager.fix,
    ),
  ];
}

/** @internal */
export function manifestOf(directory: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))) as Record<
      string,
      unknown
    >;
  } catch {
    return {};
  }
}

function fixOf(application: string, hint: string): string {
  return hint.startsWith('Its install script') ? (managerOf(application)?.fix ?? hint) : hint;
}

function managerOf(application: string): PackageManager | undefined {
  return MANAGERS.find(({ lock }) => lock.some((name) => existsSync(join(application, name))));
}

/** pnpm 11 and newer read `allowBuilds` of pnpm-workspace.yaml only. Older ones have other places for it too. */
function pnpmAllows(
  { pnpm, packageManager }: Readonly<Record<string, unknown>>,
  application: string,
): boolean {
  const workspace = textOf(join(application, 'pnpm-workspace.yaml'));
  const decision = decisionOf(workspace);
  if (decision === 'true' || decision === 'false') return decision === 'true';
  const installed = textOf(join(application, 'node_modules/.modules.yaml'));
  const [, major] = /pnpm@(\d+)/.exec(`${String(packageManager)} ${installed}`) ?? [];
  if (Number(major ?? 0) >= 11) return false;
  return (
    lists(Object(pnpm).onlyBuiltDependencies) ||
    Object(pnpm).allowBuilds?.[PACKAGE] === true ||
    /^onlyBuiltDependencies:[^]*^ +- ["']?better-sqlite3\b/m.test(workspace)
  );
}

function lists(names: unknown): boolean {
  return Array.isArray(names) && names.includes(PACKAGE);
}

function textOf(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}
