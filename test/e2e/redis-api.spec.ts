import { describe, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { HyperCache, HyperCacheModule, type HyperCacheOptions } from 'nestjs-hypercache';
import { redis } from 'nestjs-hypercache/redis';
import { startApi } from '../support/api-apps.js';
import { apiClient } from '../support/api-client.js';
import { eventually } from '../support/eventually.js';
import { PLATFORMS, useNestApps } from '../support/nest-apps.js';
import { describeWithServer, useRedisServer } from '../support/redis-suites.js';

/** What `startApi` gives every node, and this one must not have. */
const ON_SERVER = { sqlitePath: undefined } as const;

describeWithServer('an application over redis()', () => {
  const apps = useNestApps();
  const server = useRedisServer();
  const onServer = (options: HyperCacheOptions = {}): HyperCacheOptions => ({
    ...ON_SERVER,
    engine: redis({ url: server.url, timeout: 500 }),
    ...options,
  });

  describe.each(PLATFORMS)('on %s', (platform) => {
    it('serves the routes of entries, locks and the node', async () => {
      const { url } = await startApi(apps, platform, 'host', onServer());
      const call = apiClient(url);

      expect(await call('POST', '/cache/a', { value: { b: 1 }, ttl: 60_000 })).toMatchObject({
        status: 200,
        body: { revision: expect.any(Number) },
      });
      expect(await call('GET', '/cache/a')).toMatchObject({
        status: 200,
        body: { key: 'a', value: { b: 1 }, expiresAt: expect.any(Number) },
      });
      expect(await call('POST', '/add/a', { value: 2 })).toMatchObject({ body: { added: false } });
      expect(await call('POST', '/increment/n', { by: 5 })).toMatchObject({ body: { value: 5 } });
      expect(await call('DELETE', '/cache/a')).toMatchObject({ body: { deleted: true } });
      expect(await call('DELETE', '/cache')).toMatchObject({ status: 200 });
      const held = await call('POST', '/lock/report', { owner: 'me', ttl: 30_000 });
      expect(held).toMatchObject({ body: { acquired: true, token: expect.any(Number) } });
      expect(await call('GET', '/locks')).toMatchObject({ body: { locks: [{ name: 'report' }] } });
      expect(await call('DELETE', '/lock/report', { owner: 'me' })).toMatchObject({
        body: { released: true },
      });
      expect(await call('GET', '/ping')).toMatchObject({ status: 200, body: { position: null } });
      expect(await call('GET', '/stats')).toMatchObject({ body: { engine: { kind: 'redis' } } });
      expect(await call('GET', '/dead-letters')).toMatchObject({ body: { deadLetters: [] } });
    });

    it('answers 501 for what this engine has not', async () => {
      const { url } = await startApi(apps, platform, 'host', onServer());
      const call = apiClient(url);

      for (const [method, path] of [
        ['GET', '/backup'],
        ['GET', '/namespaces'],
        ['GET', '/entries'],
        ['GET', '/entry?key=a'],
        ['GET', '/changes'],
        ['POST', '/sync/batch'],
        ['GET', '/sync/feed?protocol=2&replica=a&position=b'],
        ['POST', '/sync/wait'],
      ] as const) {
        const { status, body } = await call(method, path);
        expect([path, status, body]).toMatchObject([path, 501, { code: 'HC_CAPABILITY_ABSENT' }]);
      }
      // Without an adminToken it is off, as on any node.
      expect((await call('POST', '/sync/supersede')).status).toBe(401);
    });
  });

  it('says where its entries are', async () => {
    const lines: string[] = [];
    const log = (line: string): void => void lines.push(line);
    const app = await apps.context({
      imports: [HyperCacheModule.forRoot(onServer({ logger: { log, warn: log, error: log } }))],
    });

    expect(lines).toEqual([
      'This node is one of equals, on redis. It serves no HTTP API: it has no apiToken.',
    ]);
    expect(app.get(HyperCache).health()).toMatchObject({ isOpen: true, writes: undefined });
  });

  it('shares its entries, counters and locks with others on the server', async () => {
    const engine = redis({ url: server.url, prefix: 'shared' });
    const imports = [HyperCacheModule.forRoot({ engine, logger: false })];
    const [one, other] = await Promise.all([apps.context({ imports }), apps.context({ imports })]);
    const [a, b] = [one.get(HyperCache), other.get(HyperCache)];

    await a.set('key', 'value', { tags: ['tag'] });

    expect(await b.get('key')).toBe('value');
    await b.delByTag('tag');
    await eventually(async () => expect(await a.get('key')).toBeUndefined());
    expect(await Promise.all([a.increment('n'), b.increment('n')])).toEqual(
      expect.arrayContaining([1, 2]),
    );
    expect(await a.lock('report', { ttl: 10_000 }).acquire()).toBe(true);
    expect(await b.lock('report', { ttl: 10_000 }).acquire()).toBe(false);
  });

  it('does not start without its server, and names what is wrong', async () => {
    const engine = redis({ url: 'redis://:hunter2@127.0.0.1:1', connectTimeout: 500 });
    const starting = Test.createTestingModule({
      imports: [HyperCacheModule.forRoot({ engine, logger: false })],
    }).compile();

    const error = await starting.catch((reason: unknown) => reason);

    expect(error).toMatchObject({ code: 'HC_SERVER_UNREACHABLE' });
    expect(String(error)).not.toContain('hunter2');
  });
});

describeWithServer('a server that goes away', () => {
  const apps = useNestApps();
  const server = useRedisServer();

  it('is a miss for reads, an error for writes, and no closed cache', async () => {
    const engine = redis({ url: server.url, timeout: 300 });
    const { url, app } = await startApi(apps, 'Express', 'host', { ...ON_SERVER, engine });
    const call = apiClient(url);
    const cache = app.get(HyperCache);
    await cache.set('key', 1);

    server.stop();

    await eventually(() =>
      expect(cache.health()).toMatchObject({ isOpen: true, writes: 'HC_SERVER_UNREACHABLE' }),
    );
    expect(await cache.get('key')).toBeUndefined();
    await expect(cache.set('key', 2)).rejects.toMatchObject({ code: 'HC_SERVER_UNREACHABLE' });
    expect(await call('POST', '/cache/key', { value: 2 })).toMatchObject({
      status: 503,
      body: { code: 'HC_SERVER_UNREACHABLE' },
    });
    server.start();
    await eventually(() => expect(cache.health().writes).toBeUndefined());
    await cache.set('key', 3);
    expect(await cache.get('key')).toBe(3);
  });
});
