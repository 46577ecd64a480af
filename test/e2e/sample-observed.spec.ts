import { describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { eventually } from '../support/eventually.js';
import { usePrintingPrograms } from '../support/printing-programs.js';
import { useTemporaryDirectories } from '../support/temporary-directory.js';

const PROGRAM = fileURLToPath(new URL('../../sample/05-observed/dist/start.js', import.meta.url));
const LISTENING = /^A primary on (http:\S+), a secondary on (http:\S+)\. Of each:$/;
const PATIENCE = { timeoutMs: 20_000 };

describe('npm run sample:observed', () => {
  const startProgram = usePrintingPrograms();
  const directory = useTemporaryDirectories();

  async function start(environment: NodeJS.ProcessEnv = {}) {
    const own = { PORT: '0', STORAGE: directory(), ...environment };
    const { child, lines, found } = await startProgram(PROGRAM, own, LISTENING);
    const [primary = '', secondary = ''] = found;
    return { child, lines, primary, secondary };
  }

  const metric = async (url: string, line: RegExp): Promise<number> => {
    const text = await (await fetch(`${url}/metrics`)).text();
    return Number(line.exec(text)?.[1] ?? NaN);
  };

  it('prints two nodes that are well, whose metrics follow a load that a request changes', async () => {
    const { child, primary, secondary } = await start();

    for (const url of [primary, secondary]) {
      const health: unknown = await (await fetch(`${url}/health`)).json();
      expect(health).toMatchObject({ status: 'ok', details: { hypercache: { status: 'up' } } });
    }
    const page = await fetch(`${secondary}/hypercache`);
    expect([page.status, page.headers.get('content-type')]).toEqual([
      200,
      expect.stringContaining('text/html'),
    ]);
    const load = '?reads=500&writes=50&delay=1&failures=0';
    const changed = await fetch(`${secondary}/load${load}`, { method: 'POST' });
    expect(await changed.json()).toMatchObject({ reads: 500, writes: 50, locks: 5, delay: 1 });
    await eventually(async () => {
      const hits = /reads_total\{namespace="default",result="l1"\} (\d+)/;
      expect(await metric(secondary, hits)).toBeGreaterThan(100);
      expect(await metric(secondary, /replica_connected (\d)/)).toBe(1);
      expect(await metric(primary, /hypercache_replicas (\d)/)).toBe(1);
    }, PATIENCE);

    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });

  it('refuses a load that is none', async () => {
    const { primary } = await start();

    for (const query of [
      'reads=-1',
      'reads=many',
      'reads=',
      'reads=1&reads=2',
      'failures=2',
      'x=1',
    ]) {
      const { status } = await fetch(`${primary}/load?${query}`, { method: 'POST' });
      expect([query, status]).toEqual([query, 400]);
    }
  });

  it('prints spans with OTEL=console', async () => {
    const { lines } = await start({ OTEL: 'console' });

    await eventually(() => {
      expect(lines.join('\n')).toContain("name: 'hypercache.wrap'");
    }, PATIENCE);
  });
});
