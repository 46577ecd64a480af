import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Module, type INestApplication } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { HyperCacheAsyncOptions } from '../../lib/nest/hyper-cache.module-definition.js';
import { HyperCacheApi } from '../../lib/nest/api/hyper-cache-api.js';
import { HyperCacheModule } from '../../lib/nest/hyper-cache.module.js';
import type { HyperCacheOptions } from '../../lib/node/options.js';
import { PROTOCOL_VERSION } from '../../lib/cluster/wire/sync-endpoint.js';
import { startApi } from '../support/api-apps.js';
import { apiClient, TOKEN } from '../support/api-client.js';
import { HOST_SETTINGS, Public } from '../support/hostile-hosts.js';
import { LEFT_OPEN, PLATFORMS, useNestApps } from '../support/nest-apps.js';
import { problemsOf } from '../support/refused-start.js';

const apps = useNestApps();
const LISTEN = { host: '127.0.0.1', port: 0 };
const servers: Server[] = [];
const testing: INestApplication[] = [];
afterEach(async () => {
  for (const app of testing.splice(0)) await app.close();
  for (const server of servers.splice(0)) server.close();
});

const options = (more: HyperCacheOptions = {}): HyperCacheOptions => ({
  sqlitePath: apps.directory(),
  apiToken: TOKEN,
  logger: false,
  ...more,
});

describe.each(PLATFORMS)('the HTTP API on %s', (platform) => {
  const start = (
    asynchronous: HyperCacheAsyncOptions,
    guards: object[] = [],
  ): ReturnType<typeof apps.listen> =>
    apps.listen(platform, {
      imports: [HyperCacheModule.forRootAsync(asynchronous)],
      providers: guards.map((guard) => guard as never),
    });

  it('stands where a factory says', async () => {
    const { url } = await start({ useFactory: async () => options({ path: '/internal/cache' }) });

    await expect(apiClient(`${url}/internal/cache`)('GET', '/ping')).resolves.toMatchObject({
      status: 200,
    });
    const elsewhere = await apiClient(`${url}/api/hypercache`)('GET', '/ping');
    expect(elsewhere.status).toBe(404);
    expect(elsewhere.headers.get('x-hypercache')).toBeNull();
  });

  it('takes the decorators beside the factory', async () => {
    const guard = HOST_SETTINGS.flatMap(({ providers = [] }) => providers).find(
      (provider) => typeof provider === 'object' && provider.provide === APP_GUARD,
    );
    const { url } = await start({ controllerDecorators: [Public()], useFactory: () => options() }, [
      Object(guard),
    ]);

    await expect(apiClient(`${url}/api/hypercache`)('GET', '/ping')).resolves.toMatchObject({
      status: 200,
    });
  });

  it('is not there when a factory gives no token', async () => {
    const { url } = await start({ useFactory: () => ({ sqlitePath: apps.directory() }) });

    const { status, headers } = await apiClient(`${url}/api/hypercache`)('GET', '/ping');

    expect(status).toBe(404);
    expect(headers.get('x-hypercache')).toBeNull();
  });

  it('is not in the application when it has a port of its own', async () => {
    const { app, url } = await start({ useFactory: () => options({ listen: LISTEN }) });

    const inHost = await apiClient(`${url}/api/hypercache`)('GET', '/ping');
    const own = await apiClient(app.get(HyperCacheApi).url ?? '')('GET', '/ping');

    expect([inHost.status, own.status]).toEqual([404, 200]);
    expect(own.headers.get('x-hypercache')).toBe(String(PROTOCOL_VERSION));
  });

  it('differs between applications of one process', async () => {
    const first = await startApi(apps, platform, 'host', { path: '/a' });
    const second = await startApi(apps, platform, 'host', { path: '/b' });

    await apiClient(first.url)('POST', '/cache/k', { value: 1 });

    await expect(apiClient(second.url)('GET', '/cache/k')).resolves.toMatchObject({
      body: { code: 'HC_MISS' },
    });
    await expect(apiClient(first.url)('GET', '/cache/k')).resolves.toMatchObject({ status: 200 });
  });

  it('works in a testing module', async () => {
    @Module({ imports: [HyperCacheModule.forRoot(options())] })
    class TestedModule {}
    const module = await Test.createTestingModule({ imports: [TestedModule] }).compile();
    const adapter = platform === 'Express' ? new ExpressAdapter() : new FastifyAdapter();
    const app = module.createNestApplication(adapter as ExpressAdapter, { logger: false });
    testing.push(app);
    await app.listen(0, '127.0.0.1');
    const call = apiClient(`${await app.getUrl()}/api/hypercache`);

    await expect(call('POST', '/cache/a', { value: 1 })).resolves.toMatchObject({ status: 200 });
    await expect(call('GET', '/cache/a')).resolves.toMatchObject({ body: { value: 1 } });
    await expect(call('GET', '/nowhere')).resolves.toMatchObject({
      body: { code: 'HC_ROUTE_UNKNOWN' },
    });
  });
});

describe('the option listen', () => {
  it('works without an HTTP application', async () => {
    const app = await apps.context({
      imports: [HyperCacheModule.forRoot(options({ listen: LISTEN }))],
    });

    await expect(
      apiClient(app.get(HyperCacheApi).url ?? '')('GET', '/ping'),
    ).resolves.toMatchObject({ status: 200 });
  });

  it('stops listening with the application', async () => {
    const app = await apps.context({
      imports: [HyperCacheModule.forRoot(options({ listen: LISTEN }))],
    });
    const url = app.get(HyperCacheApi).url ?? '';

    await app.close();

    await expect(apiClient(url)('GET', '/ping')).rejects.toThrow('fetch failed');
  });

  it('says where it listens', async () => {
    const lines: string[] = [];
    const log = (line: string): void => void lines.push(line);

    const app = await apps.context({
      imports: [
        HyperCacheModule.forRoot(
          options({ listen: LISTEN, logger: { log, warn: log, error: log } }),
        ),
      ],
    });

    expect(lines).toEqual([
      expect.stringContaining(`Its HTTP API listens on ${app.get(HyperCacheApi).url}`),
    ]);
    expect(lines.join()).not.toContain(TOKEN);
  });

  it('refuses a port that is taken', async () => {
    const server = createServer();
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const listen = { host: '127.0.0.1', port };

    await expect(
      apps.context({ imports: [HyperCacheModule.forRoot(options({ listen, ...LEFT_OPEN }))] }),
    ).rejects.toMatchObject({
      code: 'HC_LISTEN_FAILED',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
  });
});

describe('the options of the HTTP API', () => {
  it.each([
    ['path', 'api'],
    ['path', '/'],
    ['path', '/api/'],
    ['path', '/a//b'],
    ['path', '/a/../b'],
    ['path', '/a/:key'],
    ['path', '/ä'],
    ['path', `/${'a'.repeat(256)}`],
    ['path', 5],
    ['listen', 3000],
    ['listen', { port: 3000 }],
    ['listen', { host: '', port: 3000 }],
    ['listen', { host: 'localhost', port: 65_536 }],
    ['listen', { host: 'localhost', port: '80' }],
    ['listen', { host: 'localhost', port: 80, backlog: 5 }],
    ['controllerDecorators', Public()],
    ['controllerDecorators', ['Public']],
  ])('refuse %s %j', async (option, value) => {
    await expect(problemsOf(apps, { apiToken: TOKEN, [option]: value })).resolves.toMatchObject([
      { option },
    ]);
  });

  it.each([
    ['one character', 'x'.repeat(40)],
    ['a word repeated', 'secret'.repeat(8)],
    ['digits in order, repeated', '0123456789'.repeat(4)],
    ['what stands in examples', 'please-changeme-please-0123456789-abcdef'],
    ['what a template says', 'your-api-token-goes-here-0123456789-abc'],
    ['what no header carries', `${TOKEN}\n`],
  ])('refuse a token that is %s, without showing it', async (_what, token) => {
    const [problem, ...others] = await problemsOf(apps, { apiToken: token });

    expect(others).toEqual([]);
    expect(problem).toMatchObject({ option: 'apiToken', value: 'not acceptable' });
    expect(problem?.instead).toContain('openssl rand -hex 32');
  });

  it('refuse listen without a token', async () => {
    await expect(problemsOf(apps, { listen: LISTEN })).resolves.toMatchObject([
      { option: 'apiToken', value: 'missing' },
    ]);
  });

  it('refuse decorators that a factory returns', async () => {
    const useFactory = (): HyperCacheOptions => options({ controllerDecorators: [Public()] });

    await expect(
      apps.context({ imports: [HyperCacheModule.forRootAsync({ useFactory })] }),
    ).rejects.toMatchObject({
      code: 'HC_OPTIONS_INVALID',
      problems: [{ option: 'controllerDecorators' }],
    });
  });
});
