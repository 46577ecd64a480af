import { describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesBelow, root } from './support/source-files.js';

const read = (path: string): string => readFileSync(join(root, path), 'utf8');

type Dependencies = Record<string, string>;
const manifest: {
  dependencies: Dependencies;
  peerDependencies: Dependencies;
  devDependencies: Dependencies;
} = JSON.parse(read('package.json'));

describe('The dependencies', () => {
  it('each have a reason in docs/maintainers/decisions.md, and no other package has one', () => {
    const { dependencies, peerDependencies, devDependencies } = manifest;
    const used = Object.keys({ ...dependencies, ...peerDependencies, ...devDependencies });
    const section = read('docs/maintainers/decisions.md')
      .split('\n## Dependencies\n')[1]
      ?.split('\n## ')[0];
    const rows = Array.from(
      (section ?? '').matchAll(/^\| `([^`]+)` *\| [a-z]+ *\| \S.{9,} \|$/gm),
      ([, name]) => name,
    );

    expect(rows.toSorted()).toEqual(used.toSorted());
  });

  it('come from the public registry', () => {
    expect(read('package-lock.json')).not.toMatch(
      /"resolved": "(?!https:\/\/registry\.npmjs\.org\/)/,
    );
  });
});

/** What may be published. */
const WANTED = [
  /^package\.json$/,
  /^README\.md$/,
  /^CHANGELOG\.md$/,
  /^LICENSE$/,
  // What messages name; nothing for maintainers.
  /^docs\/[\w-]+\.md$/,
  /^dashboards\/(hypercache\.json|alerts\.yml)$/,
  /^schematics\/(collection|schema|package)\.json$/,
  /^schematics\/nest-add\.js$/,
  /^dist\/cjs\/package\.json$/,
  /^dist\/(cjs\/)?index\.(js|d\.ts)$/,
  /^dist\/(cjs\/)?(admin|cache|cli|cluster|common|engine|http|idempotency|inspector|keyv|locks|memory|nest|node|otel|prometheus|redis|schedule|sqlite|terminus|testing|throttler|value)\/[\w./-]+(?<!\.spec)(\.js|\.d\.ts)$/,
];

describe('The package', () => {
  it('contains two modules and their types for each source, what npm wants, and nothing else', () => {
    expect(existsSync(join(root, 'dist/index.js'))).toBe(true);
    const listed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [packed]: [{ files: { path: string }[] }] = JSON.parse(listed);
    const paths = packed.files.map(({ path }) => path);

    expect(paths.filter((path) => !WANTED.some((pattern) => pattern.test(path)))).toEqual([]);
    for (const pattern of WANTED) expect(paths.some((path) => pattern.test(path))).toBe(true);
    const modules = filesBelow('lib', '.ts').flatMap((path) => {
      const compiled = path.replace(/^lib\//, 'dist/').replace(/\.ts$/, '');
      const made = [`${compiled}.js`, `${compiled}.d.ts`];
      // The command line needs no CommonJS.
      if (path.startsWith('lib/cli/')) return made;
      return [...made, ...made.map((file) => file.replace(/^dist\//, 'dist/cjs/'))];
    });
    modules.push('dist/cjs/package.json');
    expect(paths.filter((path) => path.startsWith('dist/')).toSorted()).toEqual(modules.toSorted());
  });
});
