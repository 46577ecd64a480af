import { describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { InvalidOptionsError } from '../../lib/common/errors.js';
import { ENVIRONMENT_NAMES, OPTION_NAMES, resolveOptions } from '../../lib/node/resolve-options.js';
import { documents } from './support/doc-blocks.js';
import { root } from './support/source-files.js';

interface OptionRow {
  readonly option: string;
  /** As written in the column 'default', without its backticks. */
  readonly byDefault: string;
  readonly environment: string[];
}

/** The rows of all tables whose first column is 'option'. */
function optionRows(markdown: string): OptionRow[] {
  const rows: OptionRow[] = [];
  let columns: string[] = [];
  for (const line of markdown.split('\n')) {
    const cells = line.startsWith('|')
      ? line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim())
      : [];
    if (cells.length === 0) columns = [];
    else if (columns.length === 0) columns = cells;
    else if (columns[0] === 'option' && !/^:?-+/.test(cells[0] ?? '')) {
      const cell = (name: string): string => cells[columns.indexOf(name)] ?? '';
      rows.push({
        option: cell('option').replaceAll('`', ''),
        byDefault: cell('default').replaceAll('`', ''),
        environment: line.match(/HYPERCACHE_[A-Z_]+/g) ?? [],
      });
    }
  }
  return rows;
}

const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** What is in force when nothing is set, with the directory as it is written. */
const defaults: Record<string, unknown> = {
  ...resolveOptions({}, {}),
  sqlitePath: './storage/hypercache',
};

const inForce = (rows: readonly OptionRow[]): object =>
  Object.fromEntries(rows.map(({ option }) => [option, defaults[option]]));

const written = (rows: readonly OptionRow[]): object =>
  Object.fromEntries(
    rows.map(({ option, byDefault }) => [option, runInNewContext(`(${byDefault})`)]),
  );

/** Found by a value that most options refuse, naming themselves. */
function optionsReadFrom(variable: string): string[] {
  try {
    const changed = Object.entries(resolveOptions({}, { [variable]: 'x' }));
    const before = new Map(Object.entries(resolveOptions({}, {})));
    return changed
      .filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before.get(name)))
      .map(([name]) => name);
  } catch (error) {
    if (!(error instanceof InvalidOptionsError)) throw error;
    return error.problems.map(({ option }) => /option (\w+)/.exec(option)?.[1] ?? option);
  }
}

describe('docs/options.md', () => {
  const rows = optionRows(read('docs/options.md'));

  it('has one row for each option, and no other', () => {
    expect(rows.map(({ option }) => option).toSorted()).toEqual(OPTION_NAMES.toSorted());
  });

  it('names every environment variable once', () => {
    const named = rows.flatMap(({ environment }) => environment);

    expect(named.toSorted()).toEqual(ENVIRONMENT_NAMES.toSorted());
  });

  it('gives each option the environment variable that sets it', () => {
    for (const { option, environment } of rows) {
      for (const name of environment) expect(optionsReadFrom(name)).toEqual([option]);
    }
  });

  it('gives the defaults that are in force', () => {
    expect(written(rows)).toEqual(inForce(rows));
  });
});

describe('README.md', () => {
  it('gives the defaults that are in force', () => {
    const rows = optionRows(read('README.md'));

    expect(rows.length).toBeGreaterThan(0);
    expect(OPTION_NAMES).toEqual(expect.arrayContaining(rows.map(({ option }) => option)));
    expect(written(rows)).toEqual(inForce(rows));
  });
});

describe('the links in the documents', () => {
  it('lead to files that exist', () => {
    const dead = [...documents(), 'CONTRIBUTING.md', 'CHANGELOG.md'].flatMap((path) =>
      Array.from(read(path).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g), ([, target]) =>
        String(target),
      )
        .filter((target) => !existsSync(join(root, dirname(path), target)))
        .map((target) => `${path}: ${target}`),
    );

    expect(dead).toEqual([]);
  });
});
