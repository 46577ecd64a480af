import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import { blocksOf } from './support/doc-blocks.js';
import { root } from './support/source-files.js';
import { hyperCacheOn } from '../support/hyper-caches.js';
import { useNodes } from '../support/nodes.js';

const DOCUMENT = 'docs/verbs.md';

describe(DOCUMENT, () => {
  const start = useNodes();
  afterEach(() => void jest.restoreAllMocks());

  it('names each verb', () => {
    const text = readFileSync(join(root, DOCUMENT), 'utf8');
    const verbs = Object.getOwnPropertyNames(HyperCache.prototype).filter(
      (name) => name !== 'constructor',
    );
    expect(verbs.length).toBeGreaterThan(25);
    expect(verbs.filter((name) => !new RegExp(`\\b${name}\\b`).test(text))).toEqual([]);
  });

  const blocks = blocksOf(DOCUMENT).filter(({ info }) => info === 'ts');

  it.each(blocks.map(({ text }) => text))('shows what works: %#', async (text) => {
    const { outputText } = ts.transpileModule(text, {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
    });
    const module = (await import(
      `data:text/javascript,${encodeURIComponent(outputText)}`
    )) as Record<string, (cache: HyperCache) => Promise<unknown>>;
    const failed = jest.spyOn(console, 'assert').mockImplementation((isTrue) => {
      if (isTrue !== true) throw new Error('What the document says does not hold.');
    });
    const cache = hyperCacheOn(await start());
    for (const example of Object.values(module)) await example(cache);
    expect(failed.mock.calls.every(([isTrue]) => isTrue === true)).toBe(true);
  });
});
