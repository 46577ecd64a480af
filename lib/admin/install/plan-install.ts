import { posix } from 'node:path';
import { editMain, rootModuleOf } from './edit-main.js';
import { editManifest, type Manager } from './edit-manifest.js';
import { editModule } from './edit-module.js';
import { editWorkspace } from './edit-workspace.js';
import type { Compiler } from './edit.js';

/** The files of an application, by paths with slashes from its root. @internal */
export interface Files {
  /** Undefined when there is no such file. */
  read(path: string): string | undefined;
}

/** @internal */
export interface InstallRequest {
  /** The directory of the sources, from nest-cli.json. */
  readonly sourceRoot: string | undefined;
  /** The file of the root module; by default found from main.ts. */
  readonly module: string | undefined;
  readonly role: 'primary' | 'secondary';
  /** The version of the library for package.json. */
  readonly version: string;
}

/** @internal */
export interface InstallPlan {
  /** Files that change or are new. */
  readonly changes: readonly {
    readonly path: string;
    readonly text: string;
    readonly isNew: boolean;
  }[];
  readonly manager: Manager;
  /** Whether packages were added to package.json. */
  readonly mustInstall: boolean;
  /** The remaining steps for the user. */
  readonly notes: readonly string[];
}

const LOCKS: readonly (readonly [file: string, manager: Manager])[] = [
  ['pnpm-lock.yaml', 'pnpm'],
  ['yarn.lock', 'yarn'],
  ['bun.lock', 'bun'],
  ['bun.lockb', 'bun'],
];

const WORKSPACE = 'pnpm-workspace.yaml';
const IGNORED = 'storage/';

/**
 * Plans the changes that add the cache to an application of Nest. A second run plans nothing more.
 *
 * @param ts the application's own compiler; undefined where it has none
 * @internal
 */
export function planInstall(
  files: Files,
  request: InstallRequest,
  ts: Compiler | undefined,
): InstallPlan {
  const changes: { path: string; text: string; isNew: boolean }[] = [];
  const notes: string[] = [];
  const change = (path: string, text: string): void => {
    const before = files.read(path);
    if (before !== text) changes.push({ path, text, isNew: before === undefined });
  };
  const manager = LOCKS.find(([file]) => files.read(file) !== undefined)?.[1] ?? 'npm';
  const { role, version } = request;
  const manifest = files.read('package.json');
  let mustInstall = false;
  if (manifest === undefined)
    notes.push('There is no package.json here: run this in the directory that has it.');
  else {
    try {
      const { text, added } = editManifest(manifest, { manager, role, version });
      change('package.json', text);
      mustInstall = added.length > 0;
    } catch {
      notes.push('package.json cannot be read: fix it, and run this again.');
    }
  }
  if (manager === 'pnpm') {
    const workspace = editWorkspace(files.read(WORKSPACE));
    if (workspace !== undefined) change(WORKSPACE, workspace);
    else notes.push('Run "pnpm approve-builds better-sqlite3".');
  }
  const root = request.sourceRoot ?? sourceRootOf(files);
  planSources(files, request, root, ts, { change, notes });
  const ignored = files.read('.gitignore') ?? '';
  if (!ignored.split(/\r?\n/).some((line) => /^\/?storage\/?$/.test(line.trim()))) {
    change('.gitignore', `${withLineEnd(ignored)}${IGNORED}\n`);
  }
  const example = files.read('.env.example') ?? '';
  if (!example.includes('HYPERCACHE_'))
    change('.env.example', withLineEnd(example) + exampleOf(role));
  return { changes, manager, mustInstall, notes };
}

function planSources(
  files: Files,
  { module: given, role }: InstallRequest,
  sourceRoot: string,
  ts: Compiler | undefined,
  { change, notes }: { change: (path: string, text: string) => void; notes: string[] },
): void {
  const byHand = `Add to the imports of your root module: HyperCacheModule.forRoot(${role === 'secondary' ? "{ role: 'secondary' }" : ''}), with: import { HyperCacheModule } from 'nestjs-hypercache';`;
  if (ts === undefined) {
    notes.push('TypeScript is not installed here, so the sources are left as they are.', byHand);
    return;
  }
  const main = posix.join(sourceRoot, 'main.ts');
  const mainText = files.read(main);
  const found = mainText === undefined ? undefined : rootModuleOf(ts, main, mainText);
  const path = given ?? `${posix.join(sourceRoot, found ?? 'app.module')}.ts`;
  const text = files.read(path);
  const edit = text === undefined ? undefined : editModule(ts, path, text, role);
  if (edit?.text === undefined) notes.push(`The root module was not found in ${path}.`, byHand);
  else change(path, edit.text);
  notes.push(...(edit?.notes ?? []));
  const edited = mainText === undefined ? undefined : editMain(ts, main, mainText);
  if (edited === undefined) {
    notes.push(
      `Call app.enableShutdownHooks() where the application is made, so that signals close the file properly.`,
    );
  } else change(main, edited);
}

/** The source root of the default project. */
function sourceRootOf(files: Files): string {
  try {
    const { sourceRoot }: { sourceRoot?: unknown } = Object(
      JSON.parse(files.read('nest-cli.json') ?? '{}'),
    );
    return typeof sourceRoot === 'string' ? sourceRoot : 'src';
  } catch {
    return 'src';
  }
}

function withLineEnd(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

function exampleOf(role: string): string {
  const primary = `# One secret for all nodes (openssl rand -hex 32); with it this node serves the HTTP API.
# HYPERCACHE_API_TOKEN=
`;
  const secondary = `HYPERCACHE_SERVER_ROLE=secondary
HYPERCACHE_PRIMARY_URL=http://10.0.0.1:3000
# The same secret on all nodes: openssl rand -hex 32
HYPERCACHE_API_TOKEN=
`;
  return `HYPERCACHE_SQLITE_PATH=./storage/hypercache
${role === 'secondary' ? secondary : primary}`;
}
