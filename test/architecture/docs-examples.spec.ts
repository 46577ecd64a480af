import { describe, expect, it } from '@jest/globals';
import { blocksIn, blocksOf, documents, isTypeScript } from './support/doc-blocks.js';
import { typeErrors } from './support/type-check.js';

const examples = () => documents().flatMap(blocksOf).filter(isTypeScript);

describe('the examples in the documents', () => {
  it('are marked ts and nothing more, so that none escapes the check', () => {
    const marked = examples().filter((block) => !/^(ts|typescript)$/.test(block.info));

    expect(marked.map((block) => `${block.place}: ${block.info}`)).toEqual([]);
  });

  it('type-check, each as a module of its own', () => {
    expect(blocksOf('README.md').filter(isTypeScript).length).toBeGreaterThan(0);
    expect(typeErrors(examples())).toEqual([]);
  }, 120_000);

  it('would be caught with a wrong type', () => {
    const markdown = ['Text.', '- item', '  ```ts', '  const n: number = "one";', '  ```'].join(
      '\n',
    );
    const [block, ...rest] = blocksIn('docs/a.md', markdown);

    expect(rest).toEqual([]);
    expect(block).toEqual({
      place: 'docs/a.md:3',
      info: 'ts',
      text: 'const n: number = "one";',
    });
    expect(typeErrors(block === undefined ? [] : [block])).toEqual([
      "docs/a.md:3 (line 1 of the block): Type 'string' is not assignable to type 'number'.",
    ]);
  }, 120_000);
});
