import { describe, expect, it } from '@jest/globals';
import { load } from '../../lib/storage/native.js';

/** A `require` that finds this version of better-sqlite3, containing this SQLite. */
const packages =
  (version: string, sqlite: string) =>
  (name: string): unknown => {
    if (name === 'better-sqlite3/package.json') return { version };
    return class {
      prepare() {
        return { pluck: () => ({ get: () => sqlite }) };
      }
      close() {}
    };
  };

/** A `require` that finds no package. */
const nothing = (name: string): never => {
  throw Object.assign(new Error(`Cannot find module '${name}'`), { code: 'MODULE_NOT_FOUND' });
};

describe('the native module', () => {
  it('that is not installed is named, with the command to install it', () => {
    expect(() => load(nothing)).toThrow(
      expect.objectContaining({
        code: 'HC_NATIVE_MODULE',
        message: expect.stringContaining('not installed'),
        hint: expect.stringContaining('npm install better-sqlite3'),
      }),
    );
  });

  it('that was not compiled points to the scripts that package managers block', () => {
    const cause = new Error('Could not locate the bindings file.');
    const uncompiled = (name: string): unknown => {
      if (name === 'better-sqlite3/package.json') return { version: '12.11.1' };
      throw cause;
    };

    expect(() => load(uncompiled)).toThrow(
      expect.objectContaining({
        code: 'HC_NATIVE_MODULE',
        hint: expect.stringMatching(/npm rebuild better-sqlite3.*pnpm.*yarn/),
        cause,
      }),
    );
  });

  it('whose SQLite is too old is named with both versions', () => {
    expect(() => load(packages('12.4.0', '3.50.4'))).toThrow(
      expect.objectContaining({
        code: 'HC_NATIVE_MODULE',
        message: expect.stringMatching(/better-sqlite3 12\.4\.0.*3\.50\.4.*3\.51\.3/),
      }),
    );
  });

  it.each(['3.51.3', '3.51.10', '3.52.0', '4.0.0'])('with SQLite %s is loaded', (sqlite) => {
    expect(load(packages('12.11.1', sqlite))).toBeDefined();
  });

  it('of 13 on a Node below Node-API 10 is refused before it is loaded, as it would crash', () => {
    let isLoaded = false;
    const crashing = (name: string): unknown => {
      if (name === 'better-sqlite3') isLoaded = true;
      return packages('13.0.2', '3.52.0')(name);
    };

    expect(() => load(crashing, 9)).toThrow(
      expect.objectContaining({
        code: 'HC_NATIVE_MODULE',
        message: expect.stringContaining('Node-API 10'),
        hint: expect.stringContaining('better-sqlite3@12'),
      }),
    );
    expect(isLoaded).toBe(false);
    expect(load(crashing, 10)).toBeDefined();
  });
});
