import { describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import { startApi } from '../support/api-apps.js';
import { TOKEN } from '../support/api-client.js';
import { eventually } from '../support/eventually.js';
import { PLATFORMS, useNestApps } from '../support/nest-apps.js';

describe.each(PLATFORMS)('GET /backup on %s', (platform) => {
  const apps = useNestApps();
  const headers = { 'x-hypercache-token': TOKEN };

  it('streams a file that a new node starts from', async () => {
    const { app, url } = await startApi(apps, platform, 'host');
    const values = Array.from({ length: 500 }, (_, i) => ({ key: `k${i}`, value: 'x'.repeat(i) }));
    await app.get(HyperCache).mset(values);
    const answer = await fetch(`${url}/backup`, { headers });
    const bytes = Buffer.from(await answer.arrayBuffer());

    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/octet-stream');
    expect(answer.headers.get('content-length')).toBe(String(bytes.length));
    const sqlitePath = join(apps.directory(), 'restored');
    mkdirSync(sqlitePath);
    writeFileSync(join(sqlitePath, 'hypercache.sqlite'), bytes);
    const restored = await startApi(apps, platform, 'host', { sqlitePath });
    await expect(restored.app.get(HyperCache).get('k499')).resolves.toBe('x'.repeat(499));
  });

  it('leaves nothing behind, whether its client stays or not', async () => {
    const sqlitePath = apps.directory();
    const { app, url } = await startApi(apps, platform, 'host', { sqlitePath });
    await app.get(HyperCache).mset([{ key: 'k', value: 'x'.repeat(4_000_000) }]);
    // Not by fetch, which opens another connection when it leaves, for requests that never come.
    const leaving = get(`${url}/backup`, { headers, agent: false });
    const [answer] = (await once(leaving, 'response')) as [IncomingMessage];
    await once(answer, 'data');
    leaving.destroy();
    await fetch(`${url}/backup`, { headers }).then((whole) => whole.arrayBuffer());

    await eventually(() =>
      expect(readdirSync(sqlitePath).filter((name) => name.startsWith('temporary'))).toEqual([]),
    );
  });

  it.each(['primary', 'secondary'] as const)(
    'leaves nothing behind for longer than a %s that is killed meanwhile is away',
    async (role) => {
      const sqlitePath = apps.directory();
      const left = join(sqlitePath, 'temporary-k1LL3d');
      mkdirSync(left, { recursive: true });
      writeFileSync(join(left, 'hypercache.sqlite'), 'half a backup');
      writeFileSync(join(sqlitePath, 'of-somebody-else'), 'not ours');
      const primaryUrl = 'http://127.0.0.1:1';
      const options = role === 'primary' ? {} : { role, primaryUrl };
      await startApi(apps, platform, 'host', { sqlitePath, ...options });

      const names = readdirSync(sqlitePath);
      expect(names).not.toContain('temporary-k1LL3d');
      expect(names).toContain('of-somebody-else');
    },
  );

  it('wants a token, and GET', async () => {
    const { url } = await startApi(apps, platform, 'host');

    expect((await fetch(`${url}/backup`)).status).toBe(401);
    expect((await fetch(`${url}/backup`, { method: 'HEAD', headers })).status).toBe(404);
  });
});
