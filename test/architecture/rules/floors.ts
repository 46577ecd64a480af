import { isBuiltin } from 'node:module';
import { moduleReferences, resolveRelative, type SourceFile } from '../support/source-files.js';

/** Each top-level folder of `lib` and the floor it stands on. */
export const floors: Readonly<Record<string, number>> = {
  common: 0,
  value: 0.5,
  engine: 1,
  memory: 1,
  cache: 2,
  locks: 2,
  sqlite: 3,
  cluster: 4,
  // The second engine; its index is a subpath of the package.
  redis: 4,
  node: 5,
  keyv: 6,
  http: 6,
  // Works on files, and on nodes that run by their HTTP API.
  admin: 6.5,
  // The commands of an operator: beside an application, without Nest.
  cli: 7,
  nest: 7,
  otel: 8,
  prometheus: 8,
  terminus: 8,
  idempotency: 8,
  inspector: 8,
  schedule: 8,
  testing: 8,
  throttler: 8,
};

/** What an application adds: each imports only the public surface, as an application would. */
const ADDED = 8;

/** Of those: it makes nodes, engines and networks for tests, and would have to write a second time what is below. */
const MAY_LOOK_INSIDE = 'testing';

const PUBLIC_SURFACE = 'lib/index.ts';
const NODE_FLOOR = 5;

/** Packages that only one folder may import. */
const HOMES: readonly { readonly of: RegExp; readonly folder: string }[] = [
  { of: /^@nestjs\//, folder: 'nest' },
  { of: /^better-sqlite3(\/|$)/, folder: 'sqlite' },
  { of: /^@redis\//, folder: 'redis' },
];

/** What is below and yet unknown: the engine serves the tiers and the locks by their contract, whatever they are. */
const APART: readonly (readonly [folder: string, unknown: string])[] = [
  ['sqlite', 'cache'],
  ['sqlite', 'locks'],
  ['locks', 'memory'],
  ['redis', 'sqlite'],
];

/** The engine: what stands above the node may not know it. */
const ENGINE = ['sqlite', 'memory'];
/** What an operator runs on the files themselves; the wire's own framing. */
const MAY_KNOW_THE_ENGINE = ['admin', 'http', MAY_LOOK_INSIDE];

/**
 * A file imports only from lower floors or its own folder; nothing imports an `index.ts`; packages
 * with a home stay in it; nothing above the node knows the engine; bare imports are declared.
 *
 * @param declared the package names in `dependencies` and `peerDependencies`
 */
export function floorViolations(file: SourceFile, declared: ReadonlySet<string>): string[] {
  const folder = folderOf(file.path);
  const floor = floorOf(file.path);
  if (floor === undefined) return [`${file.path} stands on no floor`];

  return moduleReferences(file).flatMap(({ specifier, line }) => {
    const reason = specifier.startsWith('.')
      ? relativeReason(file, folder, floor, specifier)
      : packageReason(folder, declared, specifier);
    return reason === undefined ? [] : [`${file.path}:${line} imports ${specifier}: ${reason}`];
  });
}

function relativeReason(
  file: SourceFile,
  folder: string,
  floor: number,
  specifier: string,
): string | undefined {
  const target = resolveRelative(file, specifier);
  const targetFolder = folderOf(target);
  const targetFloor = floorOf(target);
  if (floor === ADDED && folder !== MAY_LOOK_INSIDE && targetFolder !== folder) {
    return target === PUBLIC_SURFACE
      ? undefined
      : 'what an application adds imports index.js alone';
  }
  if (!specifier.endsWith('.js')) return 'a relative import names the emitted .js file';
  if (/(^|\/)index\.ts$/.test(target)) return 'nothing in lib imports an index.ts';
  if (targetFloor === undefined) return 'it is outside the floors';
  if (
    floor > NODE_FLOOR &&
    !MAY_KNOW_THE_ENGINE.includes(folder) &&
    ENGINE.includes(targetFolder)
  ) {
    return 'nothing above the node knows what is below it';
  }
  if (targetFolder !== folder && targetFloor >= floor) {
    return `${folder} (F${floor}) stands not above ${targetFolder} (F${targetFloor})`;
  }
  if (APART.some(([above, below]) => folder === above && targetFolder === below)) {
    return `${folder} knows nothing of ${targetFolder}`;
  }
  return undefined;
}

function packageReason(
  folder: string,
  declared: ReadonlySet<string>,
  specifier: string,
): string | undefined {
  if (isBuiltin(specifier)) {
    return specifier.startsWith('node:') ? undefined : 'built-in modules carry the node: prefix';
  }
  const home = HOMES.find(({ of }) => of.test(specifier));
  const isAdded = floors[folder] === ADDED && home?.folder === 'nest';
  if (home !== undefined && home.folder !== folder && !isAdded) return `only ${home.folder}/ may`;
  return declared.has(packageName(specifier)) ? undefined : 'it is no declared dependency';
}

/** `lib/sqlite/sql/x.ts` -> `storage`; '' for the public surface. */
function folderOf(path: string): string {
  return /^lib\/([^/]+)\//.exec(path)?.[1] ?? '';
}

function floorOf(path: string): number | undefined {
  if (path === PUBLIC_SURFACE) return Number.POSITIVE_INFINITY;
  return floors[folderOf(path)];
}

function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
