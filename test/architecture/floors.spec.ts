import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { floorViolations } from './rules/floors.js';
import {
  librarySources,
  moduleReferences,
  parse,
  resolveRelative,
  root,
} from './support/source-files.js';

interface Manifest {
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
}

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
const declared = new Set([
  ...Object.keys(manifest.dependencies),
  ...Object.keys(manifest.peerDependencies),
]);

const violations = (path: string, text: string): string[] =>
  floorViolations(parse(path, text), declared);

describe('the floors of lib', () => {
  it('are held by every file', () => {
    const sources = librarySources();

    expect(sources.length).toBeGreaterThan(0);
    expect(sources.flatMap((file) => floorViolations(file, declared))).toEqual([]);
  });

  it('have no circle of imports, types included', () => {
    const left = new Map(
      librarySources().map((file) => [
        file.path,
        moduleReferences(file)
          .filter(({ specifier }) => specifier.startsWith('.'))
          .map(({ specifier }) => resolveRelative(file, specifier)),
      ]),
    );
    // Who imports nothing that is left is in no circle.
    let before: number;
    do {
      before = left.size;
      for (const [path, targets] of left) {
        if (!targets.some((target) => left.has(target))) left.delete(path);
      }
    } while (left.size < before);

    expect(Array.from(left.keys())).toEqual([]);
  });

  it.each([
    ['lib/cache/a.ts', "import { x } from '../engine/x.js';"],
    ['lib/cache/a.ts', "import { x } from './x.js';"],
    ['lib/sqlite/a.ts', "import { x } from './sql/x.js';"],
    ['lib/sqlite/sql/a.ts', "import type { x } from '../../common/x.js';"],
    ['lib/sqlite/a.ts', "import Database from 'better-sqlite3';"],
    ['lib/nest/a.ts', "import { Module } from '@nestjs/common';"],
    ['lib/node/a.ts', "import { x } from '../sqlite/x.js';"],
    ['lib/throttler/a.ts', "import { HyperCache } from '../index.js';"],
    ['lib/throttler/a.ts', "import type { ThrottlerStorage } from '@nestjs/throttler';"],
    ['lib/index.ts', "export { x } from './nest/x.js';"],
    ['lib/common/a.ts', "import { readFileSync } from 'node:fs';"],
  ])('allow in %s: %s', (path, text) => {
    expect(violations(path, text)).toEqual([]);
  });

  it.each([
    ['upwards', 'lib/common/a.ts', "import { x } from '../cache/x.js';"],
    ['upwards, as a type', 'lib/common/a.ts', "import type { x } from '../cache/x.js';"],
    ['upwards, as an import type', 'lib/common/a.ts', "let x: import('../cache/x.js').X;"],
    ['upwards, dynamically', 'lib/common/a.ts', "await import('../cache/x.js');"],
    ['upwards, by re-export', 'lib/common/a.ts', "export * from '../cache/x.js';"],
    ['sideways', 'lib/memory/a.ts', "import { x } from '../engine/x.js';"],
    ['of the file by the tiers', 'lib/cache/a.ts', "import type { x } from '../sqlite/x.js';"],
    ['of the file by the locks', 'lib/locks/a.ts', "import type { x } from '../sqlite/x.js';"],
    ['of the tiers by the file', 'lib/sqlite/a.ts', "import type { x } from '../cache/x.js';"],
    ['of the locks by the file', 'lib/sqlite/a.ts', "import type { x } from '../locks/x.js';"],
    ['an index', 'lib/nest/a.ts', "import { x } from '../index.js';"],
    ['an index of its own folder', 'lib/nest/a.ts', "import { x } from './index.js';"],
    ['out of lib', 'lib/nest/a.ts', "import { x } from '../../test/x.js';"],
    ['without an extension', 'lib/nest/a.ts', "import { x } from './x';"],
    ['Nest outside nest/', 'lib/node/a.ts', "import { Logger } from '@nestjs/common';"],
    ['SQLite outside sqlite/', 'lib/node/a.ts', "import Database from 'better-sqlite3';"],
    ['sqlite above the node', 'lib/keyv/a.ts', "import type { x } from '../sqlite/x.js';"],
    ['memory above the node', 'lib/nest/a.ts', "import type { x } from '../memory/x.js';"],
    ['sqlite from the public surface', 'lib/index.ts', "export { x } from './sqlite/x.js';"],
    ['past the public surface', 'lib/throttler/a.ts', "import { x } from '../nest/x.js';"],
    ['an undeclared package', 'lib/memory/a.ts', "import { LRUCache } from 'lru-cache';"],
    ['a built-in without its prefix', 'lib/common/a.ts', "import { readFileSync } from 'fs';"],
  ])('refuse an import %s', (_what, path, text) => {
    expect(violations(path, text)).toHaveLength(1);
  });

  it('refuse a file that stands on none', () => {
    expect(violations('lib/utils/a.ts', '')).toHaveLength(1);
    expect(violations('lib/a.ts', '')).toHaveLength(1);
  });
});
