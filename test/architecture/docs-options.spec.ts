import { describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { OptionSpec } from '../../lib/node/option-kinds.js';
import * as table from '../../lib/node/option-table.js';
import { environmentOf } from '../../lib/node/resolve-options.js';
import { documents } from './support/doc-blocks.js';
import { root } from './support/source-files.js';

const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** The comment of each option in the table. */
const sentences = new Map(
  Array.from(
    read('lib/node/option-table.ts').matchAll(/^ {2}\/\*\*(.+?)\*\/\n {2}(\w+):/gms),
    ([, comment = '', name]) => [name, comment.replaceAll(/\s*\n\s*\*\s*/g, ' ').trim()],
  ),
);

const OF_README = [
  'sqlitePath',
  'ttl',
  'l1',
  'isolation',
  'durability',
  'maxSize',
  'maxEntries',
  'namespace',
];

const GROUPS: Record<string, object> = {
  FILE: table.FILE_OPTIONS,
  ENTRY: table.ENTRY_OPTIONS,
  MEMORY: table.MEMORY_OPTIONS,
  LOCK: table.LOCK_OPTIONS,
  NEST: table.NEST_OPTIONS,
  CLUSTER: table.CLUSTER_OPTIONS,
  API: table.API_OPTIONS,
  ENGINE: table.ENGINE_OPTIONS,
};

/** As one writes it in code. */
function literal(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'number' && value >= 10_000 && Number.isFinite(value))
    return value.toLocaleString('en-US').replaceAll(',', '_');
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const fields = Object.entries(value).map(([name, field]) => `${name}: ${literal(field)}`);
  return `{ ${fields.join(', ')} }`;
}

function optionsTable(group: string): string {
  const isReadme = group === 'README';
  const columns = ['option', 'what it is', 'unit and bounds', 'default', 'environment'];
  const options = Object.entries(isReadme ? table.OPTIONS : (GROUPS[group] ?? {}));
  const shown = isReadme
    ? OF_README.map((name) => [name, Reflect.get(table.OPTIONS, name)] as const)
    : options;
  const rows = shown.map(([name, spec]: readonly [string, OptionSpec<unknown>]) => {
    const variable = environmentOf(name);
    return [
      `\`${name}\``,
      sentences.get(name) ?? '',
      spec.unit,
      `\`${name === 'fileMode' ? '0o600' : literal(spec.byDefault)}\``,
      variable === undefined ? '' : `\`${variable}\``,
    ];
  });
  const chosen = isReadme ? [0, 3, 1] : [0, 1, 2, 3, 4];
  const cells = [columns, ...rows].map((row) => chosen.map((i) => row[i] ?? ''));
  const widths = chosen.map((_, i) => Math.max(...cells.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = cells;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}

/** With the tables of the options made anew. */
function withTables(markdown: string): string {
  return markdown.replaceAll(
    /(<!-- options: (\w+) -->\n\n).*?(\n\n<!-- \/options -->)/gs,
    (_, before: string, group: string, after: string) => before + optionsTable(group) + after,
  );
}

describe('the tables of the options', () => {
  it('find a sentence and a default for each option', () => {
    for (const name of Object.keys(table.OPTIONS)) expect(sentences.get(name)).toMatch(/\.$/);
    expect(Object.assign({}, ...Object.values(GROUPS))).toEqual(table.OPTIONS);
  });

  it.each(['docs/options.md', 'README.md'])(
    'of %s are those of lib/node/option-table.ts',
    (path) => {
      const written = read(path);
      const made = withTables(written);
      // UPDATE_DOCS=1 npm run jest -- test/architecture/docs-options writes them.
      if (process.env['UPDATE_DOCS'] === '1') writeFileSync(join(root, path), made);
      else expect(written).toBe(made);
    },
  );

  it('stand in docs/options.md once each', () => {
    const groups = Array.from(
      read('docs/options.md').matchAll(/<!-- options: (\w+)/g),
      ([, g]) => g,
    );

    expect(groups.toSorted()).toEqual(Object.keys(GROUPS).toSorted());
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
