import { describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { eventually } from '../support/eventually.js';
import { itWhere } from '../support/machine-tools.js';
import { usePrintingPrograms } from '../support/printing-programs.js';
import { useTemporaryDirectories } from '../support/temporary-directory.js';

const PROGRAM = fileURLToPath(new URL('../../scripts/dashboards.mjs', import.meta.url));
const READY = /^The sample {4}(http:\S+) and (http:\S+): /;
const PATIENCE = { timeoutMs: 60_000 };

const hasPrometheus = ((): boolean => {
  try {
    execFileSync(process.env['PROMETHEUS'] ?? 'prometheus', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();
const itWithPrometheus = itWhere(hasPrometheus, 'Prometheus (Debian: the package "prometheus")');

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('npm run dashboards', () => {
  const startProgram = usePrintingPrograms();
  const directory = useTemporaryDirectories();

  it('says what is not installed, shows the rest, and leaves nothing', async () => {
    const work = directory();
    const own = { PORT: '0', PATH: '', PROMETHEUS: '', GRAFANA: '', TMPDIR: work };
    const { child, lines, found } = await startProgram(PROGRAM, own, READY);

    const text = lines.join('\n');
    expect(text).toContain('Prometheus is not installed');
    expect(text).toContain('apt install prometheus');
    expect(text).toContain('Grafana is not installed');
    for (const url of found) expect((await fetch(`${url}/metrics`)).status).toBe(200);
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(readdirSync(work)).toEqual([]);
  });

  itWithPrometheus('has Prometheus read both nodes and judge the alerts', async () => {
    const port = await freePort();
    const own = { PORT: '0', GRAFANA: '', PROMETHEUS_PORT: String(port), TMPDIR: directory() };
    const { found } = await startProgram(PROGRAM, own, READY);
    const ask = async (path: string): Promise<unknown> =>
      (await fetch(`http://127.0.0.1:${port}/api/v1/${path}`)).json();

    await eventually(async () => {
      const targets = JSON.stringify(await ask('targets'));
      expect(targets.match(/"health":"up"/g)).toHaveLength(2);
      for (const url of found) expect(targets).toContain(new URL(url).host);
      const rules = JSON.stringify(await ask('rules'));
      expect(rules.match(/"health":"ok"/g)?.length).toBeGreaterThanOrEqual(5);
      // A primary is no secondary that has lost its primary.
      const query = encodeURIComponent('hypercache_replica_connected');
      expect(JSON.stringify(await ask(`query?query=${query}`)).match(/"metric"/g)).toHaveLength(1);
    }, PATIENCE);
  });
});
