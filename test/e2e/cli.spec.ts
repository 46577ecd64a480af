import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../architecture/support/source-files.js';
import { useNodeProcesses } from '../support/node-process.js';
import { useTemporaryDirectories } from '../support/temporary-directory.js';

const BIN = join(root, 'dist/cli/hypercache.js');

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function hypercache(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [BIN, ...args], (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), stdout, stderr });
    });
  });
}

describe('the command hypercache', () => {
  const directory = useTemporaryDirectories();
  const start = useNodeProcesses();

  it('inspects and backs up a node that runs, and changes only one that is stopped', async () => {
    const sqlitePath = directory();
    const node = await start('remote', { options: { sqlitePath } });
    await node.ask('cache', 'set', 'a', 1);
    const restored = join(directory(), 'restored');
    mkdirSync(restored);
    const to = join(restored, 'hypercache.sqlite');

    const seen = await hypercache('inspect', '--path', sqlitePath, '--json');
    expect(JSON.parse(seen.stdout)).toMatchObject({
      role: 'primary',
      position: { revision: 1 },
      ancestors: [],
    });
    await expect(hypercache('backup', '--path', sqlitePath, '--to', to)).resolves.toMatchObject({
      code: 0,
      stdout: expect.stringContaining('revision 1'),
    });
    await expect(hypercache('adopt', '--path', sqlitePath)).resolves.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^HC_FILE_IN_USE: .*Stop the node first/),
    });
    await node.ask('cache', 'set', 'b', 2);
    await node.finish();

    await expect(hypercache('adopt', '--path', restored)).resolves.toMatchObject({ code: 0 });
    await expect(hypercache('promote', '--path', restored)).resolves.toMatchObject({
      code: 0,
      stdout: expect.stringContaining("role: 'primary'"),
    });
    const promoted = await hypercache('inspect', '--path', restored);
    expect(promoted.stdout).toMatch(/role +primary\n/);
    expect(promoted.stdout).toMatch(/ancestor +[0-9a-f]{32}, epoch \d+, up to revision 1\n/);
    const back = await start('remote', { options: { sqlitePath: restored } });
    expect((await back.ask('cache', 'get', 'a')).value).toBe(1);
    await back.finish();
  });

  it('ends with 2 when the command line is wrong, and prints nothing else', async () => {
    await expect(hypercache('elect')).resolves.toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining("no command 'elect'"),
    });
    await expect(hypercache('help')).resolves.toMatchObject({
      code: 0,
      stdout: expect.stringContaining('promote'),
    });
  });

  it('prints a long listing to who reads only its beginning', async () => {
    const sqlitePath = directory();
    const node = await start('remote', { options: { sqlitePath } });
    const keys = Array.from({ length: 4000 }, (_, i) => ({
      key: `a long key, number ${i}`,
      value: i,
    }));
    await node.ask('cache', 'mset', keys);
    await node.finish();
    const shell = `"${process.execPath}" "${BIN}" keys --path "${sqlitePath}" | head -n 1`;
    const line = await new Promise((resolve) =>
      execFile('bash', ['-o', 'pipefail', '-c', shell], (_error, stdout, stderr) =>
        resolve({ stdout, stderr }),
      ),
    );
    expect(line).toEqual({ stdout: 'a long key, number 0\n', stderr: '' });
  });
});
