import { NativeModuleError } from '../common/errors.js';
import { makeFile } from './file-mode.js';
import { packageRequire } from './package-require.js';
import { pragmaSql } from './sql/pragmas.js';

/** The part of better-sqlite3's statements that we use; applications need not have its types. @internal */
export interface Statement {
  run(...parameters: unknown[]): { changes: number; lastInsertRowid: number | bigint };
  get(...parameters: unknown[]): unknown;
  all(...parameters: unknown[]): unknown[];
  iterate(...parameters: unknown[]): IterableIterator<unknown>;
  pluck(): this;
  raw(): this;
}

/** The part of better-sqlite3's databases that we use. @internal */
export interface Connection {
  readonly open: boolean;
  readonly inTransaction: boolean;
  prepare(sql: string): Statement;
  exec(sql: string): unknown;
  unsafeMode(isUnsafe: boolean): unknown;
  close(): unknown;
}

/** @internal */
export interface ConnectionOptions {
  readonly readonly?: boolean;
  /** How long to wait for a locked file, in ms. This wait holds the event loop. */
  readonly timeout?: number;
}

type Constructor = new (path: string, options?: ConnectionOptions) => Connection;

/** In older versions, a rare race of a writer and a checkpointer could corrupt a database in WAL mode. */
const OLDEST_SQLITE = [3, 51, 3] as const;

let loaded: Constructor | undefined;

/**
 * Opens a connection. better-sqlite3 is loaded when it is first needed. A missing or unfit binary then causes an error
 * with a hint, instead of a stack trace at import or a crash.
 *
 * @throws {HC_NATIVE_MODULE}
 * @internal
 */
export function connect(path: string, options?: ConnectionOptions): Connection {
  loaded ??= load(packageRequire);
  if (options?.readonly !== true) makeFile(path);
  return new loaded(path, options);
}

/**
 * @param require how to load packages; tests pass their own
 * @throws {HC_NATIVE_MODULE}
 * @internal
 */
export function load(
  require: (name: string) => unknown,
  nodeApi = Number(process.versions['napi']),
): Constructor {
  const version = packageVersion(require);
  if (Number(version.split('.')[0]) >= 13 && nodeApi < 10) {
    throw new NativeModuleError(
      `better-sqlite3 ${version} needs Node-API 10; this Node ${process.versions.node} has ${nodeApi}, and loading it would crash the process.`,
      'Install better-sqlite3@12, or use Node 22.14 or newer.',
    );
  }
  let driver: Constructor;
  let sqlite: string;
  try {
    driver = require('better-sqlite3') as Constructor;
    const memory = new driver(':memory:');
    sqlite = String(memory.prepare(pragmaSql.sqliteVersion).pluck().get());
    memory.close();
  } catch (cause) {
    throw new NativeModuleError(
      'The native part of better-sqlite3 cannot be loaded.',
      'Its install script may have been blocked: allow it (npm: take ignore-scripts out of .npmrc, run "npm install-scripts approve better-sqlite3" and "npm rebuild better-sqlite3"; pnpm: run "pnpm approve-builds", which fills allowBuilds or onlyBuiltDependencies, and "pnpm rebuild better-sqlite3"; yarn: enableScripts).',
      { cause },
    );
  }
  if (isOlder(sqlite)) {
    throw new NativeModuleError(
      `better-sqlite3 ${version} contains SQLite ${sqlite}; HyperCache needs ${OLDEST_SQLITE.join('.')} or newer.`,
      'Install better-sqlite3 12.8.0 or newer.',
    );
  }
  return driver;
}

function packageVersion(require: (name: string) => unknown): string {
  try {
    return (require('better-sqlite3/package.json') as { version: string }).version;
  } catch (cause) {
    throw new NativeModuleError(
      'better-sqlite3 is not installed.',
      'Run "npm install better-sqlite3@12".',
      { cause },
    );
  }
}

function isOlder(version: string): boolean {
  const parts = version.split('.').map(Number);
  for (const [i, oldest] of OLDEST_SQLITE.entries()) {
    const part = parts[i] ?? 0;
    if (part !== oldest) return part < oldest;
  }
  return false;
}
