import { createRequire } from 'node:module';
import type BetterSqlite3 from 'better-sqlite3';
import { NativeModuleError } from '../common/errors.js';
import { pragmaSql } from './sql/pragmas.js';

/** @internal */
export type Connection = BetterSqlite3.Database;
/** @internal */
export type Statement = BetterSqlite3.Statement<unknown[], unknown>;

type Constructor = new (path: string, options?: BetterSqlite3.Options) => Connection;

/** Before it, a rare race of a writer and a checkpointer could corrupt a database in WAL mode. */
const OLDEST_SQLITE = [3, 51, 3] as const;

let loaded: Constructor | undefined;

/**
 * Opens a connection, loading better-sqlite3 when it is first needed, so that a missing or unfit binary is
 * an error that says what to do instead of a stack trace at import, or a crash.
 *
 * @throws {HC_NATIVE_MODULE}
 * @internal
 */
export function connect(path: string, options?: BetterSqlite3.Options): Connection {
  loaded ??= load(createRequire(import.meta.url));
  return new loaded(path, options);
}

/**
 * @param require how packages are found; tests give their own
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
      'Its install script may have been blocked: allow it (npm: "npm approve-scripts better-sqlite3" or "npm rebuild better-sqlite3"; pnpm: onlyBuiltDependencies; yarn: enableScripts) and install again.',
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
