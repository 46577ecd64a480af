import { beforeEach, describe, expect, it } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { canContain, useNodeProcesses, type NodeProcess } from '../support/node-process.js';
import { useTemporaryDirectories } from '../support/temporary-directory.js';

/** More than a process grants here, and fewer than there are tokens in an epoch. */
const FEW = 1000;

const describeContained = canContain() ? describe : describe.skip;

describeContained('Processes in containers, each with pid 1, on one file', () => {
  const startProgram = useNodeProcesses();
  const newDirectory = useTemporaryDirectories();
  let home: string;
  beforeEach(() => {
    home = newDirectory();
  });

  const start = async (): Promise<NodeProcess> => {
    const child = await startProgram('remote', {
      options: { sqlitePath: home },
      isContained: true,
    });
    await child.ask('process', 'lock', 'lock', 'lock', { ttl: 60_000, wait: 30_000 });
    return child;
  };
  const nextToken = async (child: NodeProcess): Promise<number> => {
    await child.ask('lock', 'acquire');
    const { token } = (await child.ask<{ token: number }>('process', 'state', 'lock')).value;
    await child.ask('lock', 'release');
    return token;
  };
  const locks = (): string[] => readdirSync(home).filter((name) => name.includes('-process-'));

  it('continue the epoch of those that run', async () => {
    const first = await start();
    const token = await nextToken(first);
    const second = await start();

    await expect(nextToken(second)).resolves.toBeLessThan(token + FEW);
    await expect(nextToken(first)).resolves.toBeLessThan(token + FEW);
  });

  it('begin a new one after the only one was killed, and leave none of its files', async () => {
    const first = await start();
    const token = await nextToken(first);
    await first.kill();
    const second = await start();

    await expect(nextToken(second)).resolves.toBeGreaterThan(token + FEW);
    expect(locks()).toHaveLength(1);
    await second.finish();
    expect(locks()).toEqual([]);
  });

  it('keep the waiters of those that run, and drop those of killed ones', async () => {
    const [first, killed] = [await start(), await start()];
    await first.ask('lock', 'acquire');
    const lost = killed.ask('lock', 'acquire', { wait: 30_000 });
    lost.catch(() => undefined);
    const second = await start();
    const waiting = second.ask<boolean>('lock', 'acquire', { wait: 30_000 });
    await killed.kill();
    await start();
    await first.ask('lock', 'release');

    await expect(waiting).resolves.toMatchObject({ value: true });
  });
});
