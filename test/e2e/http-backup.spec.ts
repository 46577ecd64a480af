import { describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import { startApi } from '../support/api-apps.js';
import { TOKEN } from '../support/api-client.js';
import { useApiServers } from '../support/api-servers.js';
import { eventually } from '../support/eventually.js';
import { PLATFORMS, useNestApps } from '../support/nest-apps.js';

const headers = { 'x-hypercache-token': TOKEN };

describe.each(PLATFORMS)('GET /backup on %s', (platform) => {
  const apps = useNestApps();

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

  it('sends two at once at most, whose files are on the disk', async () => {
    const sqlitePath = apps.directory();
    const { app, url } = await startApi(apps, platform, 'host', { sqlitePath });
    // More than what the system buffers for a client that does not read on.
    const values = Array.from({ length: 8 }, (_, i) => ({ key: `k${i}`, value: randomBytes(4e6) }));
    await app.get(HyperCache).mset(values);
    const ask = async (): Promise<IncomingMessage> => {
      const asking = get(`${url}/backup`, { headers, agent: false });
      const [answer] = (await once(asking, 'response')) as [IncomingMessage];
      return answer;
    };
    const [first, second] = await Promise.all([ask(), ask()]);
    const refused = await fetch(`${url}/backup`, { headers });

    expect([first.statusCode, second.statusCode, refused.status]).toEqual([200, 200, 503]);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await refused.json()).toEqual({
      code: 'HC_BACKUP_FAILED',
      message: expect.stringMatching(/2 .* Wait/),
    });
    const temporaries = readdirSync(sqlitePath).filter((name) => name.startsWith('temporary-'));
    expect(temporaries).toHaveLength(2);

    first.destroy();
    await eventually(async () => {
      const next = await ask();
      next.destroy();
      expect(next.statusCode).toBe(200);
    });
    second.destroy();
  });

  it('wants a token, and GET', async () => {
    const { url } = await startApi(apps, platform, 'host');

    expect((await fetch(`${url}/backup`)).status).toBe(401);
    expect((await fetch(`${url}/backup`, { method: 'HEAD', headers })).status).toBe(404);
  });
});

describe.each(['primary', 'secondary'] as const)('What GET /backup of a %s has copied', (role) => {
  // Those in this process are closed before the others go: in the order of the code.
  const apps = useNestApps();
  const startServer = useApiServers();
  const platform = 'Fastify';

  /** A process that sends a backup, more than what the system buffers for a client that does not read on. */
  async function startSending() {
    const following = await startApi(apps, platform, 'host');
    const sqlitePath = apps.directory();
    const options =
      role === 'primary' ? {} : { role, primaryUrl: new URL(following.url).origin, timeout: 500 };
    const { process, url } = await startServer(platform, { ...options, sqlitePath });
    for (let i = 0; i < 8; i++) {
      await process.ask('cache', 'set', `k${i}`, randomBytes(4_000_000));
    }
    await process.ask('cache', 'flush');
    const sending = get(`${url}/backup`, { headers, agent: false });
    const [answer] = (await once(sending, 'response')) as [IncomingMessage];
    await once(answer, 'readable');
    const temporaries = (): string[] =>
      readdirSync(sqlitePath).filter((name) => name.startsWith('temporary-'));
    expect(temporaries()).toHaveLength(1);
    return { process, answer, temporaries, options: { ...options, sqlitePath } };
  }

  it('is removed after a process that was killed meanwhile, when one starts', async () => {
    const { process, answer, temporaries, options } = await startSending();
    await process.kill();
    answer.destroy();
    expect(temporaries()).toHaveLength(1);
    await startApi(apps, platform, 'host', options);

    expect(temporaries()).toEqual([]);
  });

  it('is whole, though another process of the directory starts meanwhile', async () => {
    const { answer, temporaries, options } = await startSending();
    await startApi(apps, platform, 'host', options);
    expect(temporaries()).toHaveLength(1);
    let bytes = 0;
    for await (const chunk of answer) bytes += (chunk as Buffer).length;

    expect(String(bytes)).toBe(answer.headers['content-length']);
    await eventually(() => expect(temporaries()).toEqual([]));
  });
});
