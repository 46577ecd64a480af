import { describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const DOCS = join(import.meta.dirname, '../../docs');
const PROMISES = Array.from({ length: 13 }, (_, i) => `G${i + 1}`);

describe('docs/guarantees.md', () => {
  const text = readFileSync(join(DOCS, 'guarantees.md'), 'utf8');
  const [, tests = ''] = text.split('## Where they are tested');

  it.each(PROMISES)('names the tests of %s', (promise) => {
    const row = tests.split('\n').find((line) => line.startsWith(`| ${promise} `)) ?? '';
    expect(row.match(/\.\.\/test\/[^)]+\.spec\.ts/g)?.length ?? 0).toBeGreaterThan(1);
  });

  it('leads to files that are there', () => {
    const links = [...text.matchAll(/\]\(([^)#]+)\)/g)].map(([, path = '']) => path);
    expect(links.length).toBeGreaterThan(20);
    expect(links.filter((path) => !existsSync(join(DOCS, path)))).toEqual([]);
  });
});
