import { afterEach, describe, expect, it } from '@jest/globals';
import { cpSync } from 'node:fs';
import { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import { HyperCacheModule } from '../../lib/nest/hyper-cache.module.js';
import { startApi } from '../support/api-apps.js';
import { TOKEN } from '../support/api-client.js';
import { eventually } from '../support/eventually.js';
import { useNestApps } from '../support/nest-apps.js';
import { TcpProxy } from '../support/tcp-proxy.js';

/** What is heard of two processes that run on copies of one directory, whose name leads to one and then to the other. */
describe('two primaries of one history, over HTTP', () => {
  const apps = useNestApps();
  const proxies: TcpProxy[] = [];
  afterEach(async () => {
    for (const proxy of proxies.splice(0)) await proxy.close();
  });

  it('are named by a secondary that has agreed with one, and differs from the other', async () => {
    const directories = [apps.directory(), apps.directory()] as const;
    const original = await startApi(apps, 'Express', 'host', { sqlitePath: directories[0] });
    await original.app.get(HyperCache).set('a', 1);
    await original.app.close();
    cpSync(directories[0], directories[1], { recursive: true });
    const [first, second] = await Promise.all(
      directories.map((sqlitePath) => startApi(apps, 'Express', 'host', { sqlitePath })),
    );
    if (first === undefined || second === undefined) throw new Error('There are two.');
    await first.app.get(HyperCache).set('b', 'first');
    await second.app.get(HyperCache).set('b', 'second');
    const proxy = await TcpProxy.open(portOf(first.url), 1);
    proxies.push(proxy);
    const { app } = await apps.listen('Express', {
      imports: [
        HyperCacheModule.forRoot({
          role: 'secondary',
          primaryUrl: `http://127.0.0.1:${proxy.port}`,
          apiToken: TOKEN,
          sqlitePath: apps.directory(),
          logger: false,
        }),
      ],
    });
    const secondary = app.get(HyperCache);
    const told: { code: string; message: string }[] = [];
    secondary.on('error', ({ error }) => told.push(error));
    await eventually(async () =>
      expect(await secondary.stats()).toMatchObject({ replica: { isConnected: true } }),
    );
    // Nothing else comes now: these are heartbeats, and what they compare is the same.
    const before = proxy.answered;
    await eventually(() => expect(proxy.answered).toBeGreaterThanOrEqual(before + 3));
    expect(told).toEqual([]);
    proxy.redirect(portOf(second.url));
    await proxy.begin({ kind: 'cut' });
    await proxy.heal();
    await eventually(() => expect(told.map(({ code }) => code)).toContain('HC_TWO_PRIMARIES'));

    expect(told.find(({ code }) => code === 'HC_TWO_PRIMARIES')?.message).toMatch(
      /\(pid \d+, [0-9a-f]{16}\) at .*, but .*\(pid \d+, [0-9a-f]{16}\).* copies of one directory/,
    );
  });
});

function portOf(url: string): number {
  return Number(new URL(url).port);
}
