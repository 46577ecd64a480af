import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { plainWordsInDocument, plainWordsInSource } from './rules/plain-words.js';
import { documents } from './support/doc-blocks.js';
import { librarySources, parse, root } from './support/source-files.js';

/** The decisions are history, and keep their words. */
const HISTORY = 'docs/maintainers/';

const inSource = (text: string): string[] => plainWordsInSource(parse('lib/a.ts', text));
const inDocument = (text: string): string[] => plainWordsInDocument('docs/a.md', text);

describe('plain words', () => {
  it('are used by the comments and messages of lib', () => {
    expect(librarySources().flatMap(plainWordsInSource)).toEqual([]);
  });

  it('are used by the documents', () => {
    const paths = [...documents(), 'CONTRIBUTING.md', 'CHANGELOG.md'].filter(
      (path) => !path.startsWith(HISTORY),
    );

    expect(paths.length).toBeGreaterThan(20);
    expect(
      paths.flatMap((path) => plainWordsInDocument(path, readFileSync(join(root, path), 'utf8'))),
    ).toEqual([]);
  });
});

describe('the rule of plain words', () => {
  it('names the file, the line and the word', () => {
    expect(inSource('const a = 1;\n\n/** Nobody waits. */\nconst b = 2;')).toEqual([
      expect.stringMatching(/^lib\/a\.ts:3 has the word "nobody": /),
    ]);
    expect(inDocument('# Title\n\nOpen the file anew.')).toEqual([
      'docs/a.md:3 has the word "anew": write "again"',
    ]);
  });

  it('finds each use, in the order of the text', () => {
    expect(
      inDocument('Whoever waits, somebody waits.\nAnybody may.').map((m) => m.slice(0, 31)),
    ).toEqual([
      'docs/a.md:1 has the word "whoev',
      'docs/a.md:1 has the word "someb',
      'docs/a.md:2 has the word "anybo',
    ]);
  });

  it.each([
    ['a comment of a line', '// who waits'],
    ['a comment behind code', 'const a = 1; // who waits'],
    ['a comment of a block', '/* who waits */'],
    ['TSDoc of a field', 'interface A {\n  /** Who waits. */\n  a: string;\n}'],
    ['a comment at the end of a block', 'function f() {\n  // who waits\n}'],
    ['a comment in an empty block', 'function f() { /* who waits */ }'],
    ['a comment in a template', 'const a = `${/* who waits */ 1}`;'],
    ['a string', "const hint = 'who waits';"],
    ['a template', 'const hint = `${1} who waits`;'],
    ['a phrase over two lines', '/**\n * The caller is\n * told.\n */'],
    ['a phrase over two comments of a line', '/* The caller is\n   told. */'],
  ])('finds %s', (_what, text) => {
    expect(inSource(text)).toHaveLength(1);
  });

  it.each([
    ['a name in the code', 'const who = anew.heard;'],
    ['code in backticks of a comment', '// calls `who` once'],
    ['a part of a word', '// the whole of it, renewed and unheard'],
    ['a part of a name in a string', "const name = 'lease_who';"],
    ['a slash in a regular expression', 'const a = /\\/\\/ who/;'],
    ['a slash in a string that is no comment', "const a = 'http://a';"],
    ['a parameter of SQL', "const sql = 'SELECT :who';"],
    ['an allowed phrase', '// Say who shares its answers.'],
  ])('takes no offence at %s', (_what, text) => {
    expect(inSource(text)).toEqual([]);
  });

  it.each([
    ['who, for a reader', 'For those who operate a cluster.'],
    ['a code block', 'Text.\n\n```ts\n// nobody\n```\n\nText.'],
    ['a code block in a list', '- Item\n\n  ~~~\n  nobody\n  ~~~\n'],
    ['code in backticks', 'The column is `heard`, or ``a ` nobody``.'],
  ])('lets a document have %s', (_what, text) => {
    expect(inDocument(text)).toEqual([]);
  });

  it('finds prose after a code block, on its own line', () => {
    expect(inDocument('```sh\nls\n```\n\nNobody lists.')).toEqual([
      expect.stringMatching(/^docs\/a\.md:5 /),
    ]);
  });
});
