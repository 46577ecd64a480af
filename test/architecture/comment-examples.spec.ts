import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { blocksIn, isTypeScript, type DocBlock } from './support/doc-blocks.js';
import { filesBelow, root } from './support/source-files.js';
import { typeErrors } from './support/type-check.js';

/** The calls that are not obvious from their signatures. */
const WITH_EXAMPLE = [
  'Cached',
  'CacheEvict',
  'CachePut',
  'ClusterCron',
  'createTestCluster',
  'defineCache',
  'expectCached',
  'HttpCache',
  'HyperCacheModule',
  'Idempotent',
  'lock',
  'redis',
  'registerHyperCacheMetrics',
  'RunOnce',
  'semaphore',
  'stubEnvironment',
  'testEnvironment',
  'WithLock',
  'wrap',
];

/** What an example may use without saying where it comes from: an application's own parts, and imports. */
const GIVEN: Record<string, string> = {
  AppModule: 'declare class AppModule {}',
  Product: 'interface Product { id: number; price: number }',
  app: "declare const app: import('@nestjs/common').INestApplication;",
  cache: "declare const cache: import('nestjs-hypercache').HyperCache;",
  load: 'declare function load(id: number): Promise<{ id: number; price: number }>;',
  save: 'declare function save(product: { id: number; price: number }): Promise<void>;',
  ...imports('@nestjs/common', 'Body Controller Get Module Post UseInterceptors'),
  ...imports('@nestjs/testing', 'Test'),
  ...imports('prom-client', 'register'),
  ...imports(
    'nestjs-hypercache',
    'Cached CacheEvict CachePut defineCache HttpCache HttpCacheInterceptor HyperCache HyperCacheModule RunOnce WithLock',
  ),
  ...imports('nestjs-hypercache/idempotency', 'Idempotent'),
  ...imports('nestjs-hypercache/prometheus', 'registerHyperCacheMetrics'),
  ...imports('nestjs-hypercache/redis', 'redis'),
  ...imports('nestjs-hypercache/schedule', 'ClusterCron'),
  ...imports(
    'nestjs-hypercache/testing',
    'createTestCluster expectCached HYPERCACHE_ENVIRONMENT stubEnvironment testEnvironment',
  ),
};

function imports(from: string, names: string): Record<string, string> {
  return Object.fromEntries(
    names.split(' ').map((name) => [name, `import { ${name} } from '${from}';`]),
  );
}

/** The first name that a declaration gives, behind its decorators. */
const DECLARED = /^ *(?:(?:export|abstract|async|class|function) )*(\w+)[<({ ]/m;

/** The example of each comment that has one, under the name that is declared after the comment. */
function examplesOf(path: string, source: string): [name: string, example: DocBlock][] {
  return [...source.matchAll(/\/\*\*\n((?: *\*(?!\/).*\n)+) *\*\/\n((?:.*\n){1,3})/g)].flatMap(
    ([, comment = '', declaration = '']) => {
      const name = DECLARED.exec(declaration)?.[1] ?? declaration;
      const blocks = blocksIn(path, comment.replaceAll(/^ *\* ?/gm, '')).filter(isTypeScript);
      return blocks.map(({ info, text }): [string, DocBlock] => [
        name,
        { place: `${path}, ${name}`, info, text: withGiven(text) },
      ]);
    },
  );
}

/** In front of the example stands what it uses, on one line, so that the lines of errors are its own. */
function withGiven(example: string): string {
  const own = new Set(example.match(/(?<!\.)\b\w+\b/g));
  const declared = new Set(
    [...example.matchAll(/\b(?:class|const) (\w+)/g)].map(([, name]) => name),
  );
  const given = Object.entries(GIVEN).filter(([name]) => own.has(name) && !declared.has(name));
  return `${given.map(([, line]) => line).join(' ')} ${example}\nexport {};`;
}

const examples = filesBelow('lib', '.ts').flatMap((path) =>
  examplesOf(path, readFileSync(join(root, path), 'utf8')),
);

describe('the examples in the comments', () => {
  it('are there for each call that is not obvious', () => {
    expect(new Set(examples.map(([name]) => name))).toEqual(new Set(WITH_EXAMPLE));
  });

  it('type-check, each as a module of its own', () => {
    expect(typeErrors(examples.map(([, example]) => example))).toEqual([]);
  }, 120_000);

  it('would be caught with a wrong type', () => {
    const source = [
      '/**',
      ' * A sentence.',
      ' *',
      ' * @example',
      ' * ```ts',
      ' * const product: string = await load(1);',
      ' * console.log(product);',
      ' * ```',
      ' */',
      'export function one(): void {}',
      '',
    ].join('\n');
    const [[name, example] = ['', undefined], ...rest] = examplesOf('lib/a.ts', source);

    expect(rest).toEqual([]);
    expect(name).toBe('one');
    expect(typeErrors(example === undefined ? [] : [example])).toEqual([
      "lib/a.ts, one (line 1 of the block): Type '{ id: number; price: number; }' is not assignable to type 'string'.",
    ]);
  }, 120_000);
});
