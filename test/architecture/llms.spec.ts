import { describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { documents } from './support/doc-blocks.js';
import { root } from './support/source-files.js';

const text = readFileSync(join(root, 'llms.txt'), 'utf8');
const links = Array.from(text.matchAll(/\]\(([^)]+)\)/g), ([, target = '']) => target);

describe('llms.txt', () => {
  it('is a title, a summary in a quotation, and lists of links', () => {
    expect(text).toMatch(/^# nestjs-hypercache\n\n> \S.*\n\n/);

    const lists = text.split(/^## .+\n/m).slice(1);
    expect(lists.length).toBeGreaterThan(1);
    for (const list of lists)
      expect(list.trim()).toMatch(/^(- \[[^\]]+\]\([^)]+\)(: .+)?(\n|$))+$/);
  });

  it('names every page for users, each page once', () => {
    const pages = documents().filter((path) => /^docs\/[\w-]+\.md$/.test(path));

    expect(pages.length).toBeGreaterThan(20);
    expect(pages.filter((path) => !links.includes(path))).toEqual([]);
    expect(new Set(links).size).toBe(links.length);
  });

  it('has links to files that exist', () => {
    expect(links.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});
