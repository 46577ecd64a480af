import { describe, expect, it } from '@jest/globals';
import { createRequire } from 'node:module';
import { load } from '../../../lib/sqlite/native.js';

const requireHere = createRequire(import.meta.url);

/** As Node would find packages, but for those that are given. */
function finding(packages: Record<string, unknown>): (name: string) => unknown {
  return (name) => {
    if (!(name in packages)) return requireHere(name);
    const found = packages[name];
    if (found instanceof Error) throw found;
    return found;
  };
}

function refusal(require: (name: string) => unknown, nodeApi?: number): unknown {
  try {
    load(require, nodeApi);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** A driver that answers the version of its SQLite. */
function driverOf(sqlite: string): unknown {
  return class {
    prepare = () => ({ pluck: () => ({ get: () => sqlite }) });
    close = (): void => undefined;
  };
}

describe('load', () => {
  it('finds the real one', () => {
    const Database = load(requireHere);
    const database = new Database(':memory:');
    expect(database.open).toBe(true);
    database.close();
  });

  it('says how to install a package that is missing', () => {
    const cause = new Error("Cannot find module 'better-sqlite3/package.json'");
    expect(refusal(finding({ 'better-sqlite3/package.json': cause }))).toMatchObject({
      code: 'HC_NATIVE_MODULE',
      cause,
      hint: 'Run "npm install better-sqlite3@12".',
    });
  });

  it('says how to allow an install script that was blocked', () => {
    const cause = new Error('Could not locate the bindings file.');
    expect(refusal(finding({ 'better-sqlite3': cause }))).toMatchObject({
      code: 'HC_NATIVE_MODULE',
      cause,
      hint: expect.stringMatching(
        /ignore-scripts.*npm rebuild better-sqlite3.*pnpm approve-builds.*onlyBuiltDependencies/,
      ),
    });
  });

  it('does not load 13 below Node-API 10, where it would crash the process', () => {
    const packages = { 'better-sqlite3/package.json': { version: '13.0.2' } };
    const untouched = finding({ ...packages, 'better-sqlite3': new Error('loaded') });
    expect(refusal(untouched, 9)).toMatchObject({
      code: 'HC_NATIVE_MODULE',
      message: expect.stringContaining('needs Node-API 10'),
    });
    expect(refusal(finding(packages), 10)).toBeUndefined();
  });

  it.each(['3.51.2', '3.50.9', '2.99.99'])('refuses SQLite %s', (sqlite) => {
    expect(refusal(finding({ 'better-sqlite3': driverOf(sqlite) }))).toMatchObject({
      code: 'HC_NATIVE_MODULE',
      message: expect.stringContaining(`contains SQLite ${sqlite}`),
    });
  });

  it.each(['3.51.3', '3.52.0', '4.0.0', '3.100.1'])('accepts SQLite %s', (sqlite) => {
    expect(refusal(finding({ 'better-sqlite3': driverOf(sqlite) }))).toBeUndefined();
  });
});
