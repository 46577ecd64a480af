import { describe, expect, it } from '@jest/globals';
import { promote } from '../../lib/admin/promote.js';
import { pack } from '../../lib/cluster/wire/wire.js';
import { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import { HyperCacheModule } from '../../lib/nest/hyper-cache.module.js';
import { PLACES, startApi } from '../support/api-apps.js';
import { apiClient, OTHER_TOKEN, TOKEN } from '../support/api-client.js';
import { eventually } from '../support/eventually.js';
import { PLATFORMS, useNestApps } from '../support/nest-apps.js';
import { signed } from '../support/signed-request.js';

/** Of operators; no node shows it to another one, but after a promotion. */
const ADMIN = OTHER_TOKEN;
const SYNC = { 'content-type': 'application/vnd.hypercache' };
const HEIR = 'f'.repeat(32);

const variants = PLATFORMS.flatMap((platform) => PLACES.map((place) => ({ platform, place })));

describe.each(variants)('what only operators do, on $platform ($place)', ({ platform, place }) => {
  const apps = useNestApps();

  async function start(options = {}) {
    const { app, url } = await startApi(apps, platform, place, options);
    const cache = app.get(HyperCache);
    await cache.set('a', 1);
    const { historyId, epoch, revision } = await cache.stats();
    const ancestors = [[historyId, epoch, 0, revision]];
    return { app, url, cache, ancestors, notice: pack([HEIR, ancestors]) };
  }

  it.each([
    ['without an adminToken', {}],
    ['with one', { adminToken: ADMIN }],
  ])('is not done for an apiToken, on a node %s', async (_name, options) => {
    const { url, cache, ancestors, notice } = await start(options);
    const call = apiClient(url);

    await expect(call('POST', '/sync/supersede', notice, SYNC)).resolves.toMatchObject({
      status: 401,
    });
    for (const kind of [2, 3]) {
      const answer = await call('POST', '/sync/batch', pack([kind, HEIR, ancestors]), SYNC);
      expect(answer.status).toBe(400);
    }
    await cache.set('a', 2);
    await expect(cache.get('a')).resolves.toBe(2);
  });

  it('is done for an adminToken, with which nothing else is', async () => {
    const { url, cache, notice } = await start({ adminToken: ADMIN });
    const call = apiClient(url, ADMIN);

    await expect(call('GET', '/ping')).resolves.toMatchObject({ status: 401 });
    await expect(call('POST', '/sync/supersede', notice, SYNC)).resolves.toMatchObject({
      status: 200,
    });
    await expect(cache.set('a', 2)).rejects.toMatchObject({ code: 'HC_SUPERSEDED' });
  });

  it('wants a signature where requests are signed', async () => {
    const { url, cache, notice } = await start({ adminToken: ADMIN, signRequests: true });
    const path = '/sync/supersede';
    const sign = (token: string): Record<string, string> => ({
      ...SYNC,
      ...signed({ method: 'POST', url: url + path, body: notice, token }),
    });

    for (const headers of [sign(TOKEN), { ...SYNC, 'x-hypercache-token': ADMIN }]) {
      const answer = await apiClient(url, null)('POST', path, notice, headers);
      expect(answer.status).toBe(401);
    }
    await cache.set('a', 2);
    const answer = await apiClient(url, null)('POST', path, notice, sign(ADMIN));
    expect(answer.status).toBe(200);
  });
});

describe.each([false, true])('a promoted node, signRequests: %s', (signRequests) => {
  const apps = useNestApps();

  it('tells the former primary by the adminToken that both have', async () => {
    const sqlitePath = apps.directory();
    const shared = { adminToken: ADMIN, signRequests };
    const former = await startApi(apps, 'Express', 'host', shared);
    const cache = former.app.get(HyperCache);
    const secondary = await apps.listen('Express', {
      imports: [
        HyperCacheModule.forRoot({
          role: 'secondary',
          primaryUrl: new URL(former.url).origin,
          apiToken: TOKEN,
          sqlitePath,
          logger: false,
          ...shared,
        }),
      ],
    });
    await cache.set('a', 1);
    await eventually(() => expect(secondary.app.get(HyperCache).get('a')).resolves.toBe(1));
    await secondary.app.close();
    promote(sqlitePath);
    await startApi(apps, 'Express', 'host', { sqlitePath, ...shared });

    await eventually(() =>
      expect(cache.set('a', 2)).rejects.toMatchObject({ code: 'HC_SUPERSEDED' }),
    );
  });

  it('says that it cannot tell the former primary without one', async () => {
    const sqlitePath = apps.directory();
    const former = await startApi(apps, 'Express', 'host', { signRequests });
    const secondary = await apps.listen('Express', {
      imports: [
        HyperCacheModule.forRoot({
          role: 'secondary',
          primaryUrl: new URL(former.url).origin,
          apiToken: TOKEN,
          signRequests,
          sqlitePath,
          logger: false,
        }),
      ],
    });
    await secondary.app.close();
    promote(sqlitePath);
    const lines: string[] = [];
    const note = (line: unknown): void => void lines.push(String(line));
    const logger = { log: note, warn: note, error: note };
    await startApi(apps, 'Express', 'host', { sqlitePath, signRequests, logger });

    expect(lines.join('\n')).toContain('adminToken');
    await former.app.get(HyperCache).set('a', 2);
  });
});
