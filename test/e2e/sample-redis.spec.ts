import { expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { eventually } from '../support/eventually.js';
import { usePrintingPrograms } from '../support/printing-programs.js';
import { describeWithServer, useRedisServer } from '../support/redis-suites.js';

const PROGRAM = fileURLToPath(new URL('../../sample/06-redis/dist/start.js', import.meta.url));
const LISTENING = /^Two applications, (http:\S+) and (http:\S+), on one server\. Try:$/;

describeWithServer('npm run sample:redis', () => {
  const startProgram = usePrintingPrograms();
  const server = useRedisServer();
  const ask = async (method: string, url: string): Promise<unknown> => {
    const response = await fetch(url, { method });
    return response.status === 204 ? undefined : response.json();
  };

  it('starts a server, and two applications that share what is on it', async () => {
    const environment = { PORT: '0', HYPERCACHE_REDIS_URL: '' };

    const { child, found } = await startProgram(PROGRAM, environment, LISTENING);

    const [first = '', second = ''] = found;
    const loaded = { id: '1', price: 42, loadedBy: 'first' };
    expect(await ask('GET', `${first}/products/1`)).toEqual(loaded);
    expect(await ask('GET', `${second}/products/1`)).toEqual(loaded);
    await ask('PUT', `${first}/products/1`);
    // The server tells the other one a moment later.
    await eventually(async () => {
      const again = await ask('GET', `${second}/products/1`);
      expect(again).toEqual({ ...loaded, loadedBy: 'second' });
    });
    expect(await ask('POST', `${first}/products/1/views`)).toEqual({ views: 1 });
    expect(await ask('POST', `${second}/products/1/views`)).toEqual({ views: 2 });
    expect(await ask('POST', `${first}/products/1/buy`)).toMatchObject({ soldBy: 'first' });
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });

  it('uses the server that it is given', async () => {
    const environment = { PORT: '0', HYPERCACHE_REDIS_URL: server.url };

    const { found } = await startProgram(PROGRAM, environment, LISTENING);

    expect(await ask('POST', `${found[0]}/products/7/views`)).toEqual({ views: 1 });
    expect(server.cli('--scan', '--pattern', '*views:7')).toContain('views:7');
  });

  it('says how to get a server when there is none, and what is wrong with one', async () => {
    const run = (environment: NodeJS.ProcessEnv) =>
      promisify(execFile)(process.execPath, [PROGRAM], { env: { PORT: '0', ...environment } });

    await expect(run({ PATH: '/nowhere' })).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/apt install redis-server/),
    });
    await expect(run({ HYPERCACHE_REDIS_URL: 'redis://127.0.0.1:1' })).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/cannot be reached/),
    });
  });
});
