import { describe, expect, it } from '@jest/globals';
import { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import { HyperCacheModule } from '../../lib/nest/hyper-cache.module.js';
import { startApi } from '../support/api-apps.js';
import { apiClient, TOKEN } from '../support/api-client.js';
import { eventually } from '../support/eventually.js';
import { PLATFORMS, useNestApps } from '../support/nest-apps.js';

describe.each(PLATFORMS)('a secondary on %s', (platform) => {
  const apps = useNestApps();

  async function start(): Promise<{ primary: HyperCache; secondary: HyperCache; url: string }> {
    const { app, url } = await startApi(apps, platform, 'host');
    const other = await apps.listen(platform, {
      imports: [
        HyperCacheModule.forRoot({
          role: 'secondary',
          primaryUrl: new URL(url).origin,
          apiToken: TOKEN,
          sqlitePath: apps.directory(),
          asyncRequests: false,
          logger: false,
        }),
      ],
    });
    return {
      primary: app.get(HyperCache),
      secondary: other.app.get(HyperCache),
      url: `${other.url}/api/hypercache`,
    };
  }

  it('writes through its primary, and follows it', async () => {
    const { primary, secondary } = await start();

    await secondary.set('a', { n: 1 });
    await primary.set('b', 2);

    await expect(secondary.get('a')).resolves.toEqual({ n: 1 });
    await expect(primary.get('a')).resolves.toEqual({ n: 1 });
    await eventually(() => expect(secondary.get('b')).resolves.toBe(2));
  });

  it('serves the same API', async () => {
    const { primary, url } = await start();
    const call = apiClient(url);

    const bodies = [];
    for (const [method, path, body] of [
      ['POST', '/cache/a', { value: 1 }],
      ['GET', '/cache/a', undefined],
      ['POST', '/add/a', { value: 2 }],
      ['POST', '/increment/n', { by: 2 }],
      ['POST', '/lock/l', { ttl: 60_000, owner: 'me' }],
      ['PATCH', '/lock/l', { ttl: 60_000, owner: 'me' }],
      ['DELETE', '/lock/l', { owner: 'me' }],
      ['DELETE', '/cache/a', undefined],
      ['GET', '/ping', undefined],
    ] as const) {
      bodies.push((await call(method, path, body)).body);
    }

    expect(bodies).toMatchObject([
      { revision: expect.any(Number) },
      { value: 1 },
      { added: false },
      { value: 2 },
      { acquired: true },
      { extended: true },
      { released: true },
      { deleted: true },
      { role: 'secondary' },
    ]);
    await expect(primary.get('n')).resolves.toBe(2);
    await expect(call('POST', '/sync/batch')).resolves.toMatchObject({
      status: 421,
      body: { code: 'HC_NOT_PRIMARY' },
    });
  });
});
