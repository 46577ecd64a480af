import { describe, expect, it } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { overview } from '../../lib/cli/help.js';
import { COMMANDS } from '../../lib/cli/run-command.js';
import { blocksOf, documents } from './support/doc-blocks.js';
import { root } from './support/source-files.js';

const DOCUMENT = 'docs/command-line.md';

describe(DOCUMENT, () => {
  it('shows what the help prints', () => {
    const path = join(root, DOCUMENT);
    const written = readFileSync(path, 'utf8');
    const made = written.replace(/(```text\n).*?(```)/s, (_, before: string, after: string) => {
      return before + overview(COMMANDS) + after;
    });
    // UPDATE_DOCS=1 npm run jest -- test/architecture/docs-command-line writes it.
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(path, made);
    else expect(written).toBe(made);
  });
});

describe('the commands in the documents', () => {
  const lines = documents().flatMap((path) =>
    blocksOf(path)
      .filter(({ info }) => info === 'sh')
      .flatMap(({ text }) =>
        Array.from(text.matchAll(/npx(?: --no)? hypercache.*/g), ([line]) => line),
      ),
  );

  it('are run by npx --no, because another package has the bare name', () => {
    expect(lines.length).toBeGreaterThan(20);
    expect(lines.filter((line) => !line.startsWith('npx --no hypercache '))).toEqual([]);
  });

  it('are there', () => {
    const names = lines.map((line) => /hypercache (\S+)/.exec(line)?.[1] ?? '');
    expect(names.filter((name) => !Object.hasOwn(COMMANDS, name))).toEqual([]);
  });
});
