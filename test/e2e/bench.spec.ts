import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../architecture/support/source-files.js';
import { useTemporaryDirectories } from '../support/temporary-directory.js';

const RUN = join(root, 'bench/run.mjs');

interface Target {
  readonly row: string;
  readonly bench: string;
  readonly is?: number;
  readonly holds?: boolean;
}

describe('npm run bench', () => {
  const directory = useTemporaryDirectories();

  it('prints every target, measured or not, and writes what it has found, with a chart', async () => {
    const results = directory();
    const least = ['--quick', '--rounds=1', '--ms=1', '--group=150 B', '--only=HyperCache'];
    const args = ['l1-hit', 'space', ...least, `--results=${results}`];

    const { stdout } = await promisify(execFile)(process.execPath, [RUN, ...args]);

    const written = (file: string): string => readFileSync(join(results, file), 'utf8');
    const { targets } = JSON.parse(written('summary.json')) as { targets: Target[] };
    expect(targets.length).toBeGreaterThan(20);
    for (const { row } of targets) expect(stdout).toContain(row.replaceAll('`', ''));
    const measured = targets.filter(({ bench }) => bench === 'space');
    expect(measured).toEqual(
      measured.map((target) => ({ ...target, is: expect.any(Number), holds: expect.any(Boolean) })),
    );
    expect(stdout).toContain('not measured');
    expect(written('benchmark.svg')).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
    expect(JSON.parse(written('l1-hit.json'))).toMatchObject({ name: 'l1-hit' });
  });
});
