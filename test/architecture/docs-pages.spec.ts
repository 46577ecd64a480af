import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { documents } from './support/doc-blocks.js';
import { root } from './support/source-files.js';

const MOST_LINES = 250;

/** Pages that may be longer, each with its reason. */
const LONGER: readonly string[] = [
  'docs/architecture.md', // for maintainers
  'docs/performance.md', // its tables are written by a command
];

const pages = documents().filter((path) => /^docs\/[\w-]+\.md$/.test(path));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

describe('The pages for users', () => {
  it.each(pages)('%s says after its title what it is for, and for which reader', (path) => {
    const [title, purpose] = read(path).split('\n\n');

    expect(title).toMatch(/^# \S.*$/);
    expect(purpose).toMatch(/\bfor you (who|whose)\b/i);
  });

  it.each(pages.filter((path) => !LONGER.includes(path)))('%s is short', (path) => {
    expect(read(path).trimEnd().split('\n').length).toBeLessThanOrEqual(MOST_LINES);
  });
});
