import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import { PLACES, startApi } from '../support/api-apps.js';
import { apiClient, TOKEN, type ApiClient } from '../support/api-client.js';
import { eventually } from '../support/eventually.js';
import { offerSync, type FakeSync } from '../support/fake-sync.js';
import { PLATFORMS, useNestApps } from '../support/nest-apps.js';

const SYNC = { 'content-type': 'application/vnd.hypercache' };
const MIB = 1024 * 1024;

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** A connection on which a test writes HTTP by hand. */
async function dial(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
}

function head(method: string, url: string, path: string, headers: readonly string[]): string {
  const { host, pathname } = new URL(url);
  return [
    `${method} ${pathname}${path} HTTP/1.1`,
    `host: ${host}`,
    `x-hypercache-token: ${TOKEN}`,
    ...headers,
    '',
    '',
  ].join('\r\n');
}

const variants = PLATFORMS.flatMap((platform) => PLACES.map((place) => ({ platform, place })));

describe.each(variants)('the limits of the HTTP API on $platform ($place)', (variant) => {
  const { platform, place } = variant;
  const apps = useNestApps();

  async function start(
    options = {},
  ): Promise<{ call: ApiClient; cache: HyperCache; url: string; sync: FakeSync }> {
    const { app, url } = await startApi(apps, platform, place, options);
    return { call: apiClient(url), cache: app.get(HyperCache), url, sync: offerSync(app) };
  }

  it('takes values above the body limit of the host', async () => {
    const { call, cache } = await start();
    const value = 'x'.repeat(3 * MIB);

    await expect(call('POST', '/cache/a', { value })).resolves.toMatchObject({ status: 200 });

    await expect(cache.get('a')).resolves.toBe(value);
  });

  it('refuses values over maxValueSize', async () => {
    const { call, cache } = await start({ maxValueSize: 1000 });

    await expect(call('POST', '/cache/a', { value: 'x'.repeat(1001) })).resolves.toMatchObject({
      status: 413,
      body: { code: 'HC_VALUE_TOO_LARGE' },
    });

    await expect(cache.get('a')).resolves.toBeUndefined();
  });

  it.each([
    ['JSON', '/cache/a', { 'content-type': 'application/json' }, 1 * MIB],
    ['a batch', '/sync/batch', SYNC, 17 * MIB],
  ])('refuses %s that is announced as too large', async (_what, path, headers, bytes) => {
    const { call, sync } = await start({ maxValueSize: 1000 });

    const answer = await call('POST', path, Buffer.alloc(bytes, 32), headers);

    expect(answer).toMatchObject({ status: 413, body: { code: 'HC_BODY_TOO_LARGE' } });
    expect(sync.batches).toBe(0);
  });

  it('refuses what grows too large without a Content-Length, and stops reading', async () => {
    const { url, sync } = await start({ maxValueSize: 1000 });
    const socket = await dial(url);
    const headers = ['content-type: application/json', 'transfer-encoding: chunked'];
    const answer = text(socket);
    socket.on('error', () => undefined);
    socket.write(head('POST', url, '/cache/a', headers));

    const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`;
    const writing = setInterval(() => socket.writable && socket.write(chunk), 1);
    const got = await answer.finally(() => clearInterval(writing));

    expect(got).toContain('413');
    expect(got).toContain('HC_BODY_TOO_LARGE');
    expect(got.toLowerCase()).toContain('connection: close');
    expect(sync.batches).toBe(0);
  });

  it('does not read what comes without a token', async () => {
    const { url } = await start();
    const socket = await dial(url);
    const answer = text(socket);
    const headers = ['content-type: application/json', `content-length: ${100 * MIB}`];
    socket.write(head('POST', url, '/cache/a', headers).replace(TOKEN, 'x'));

    const got = await answer;

    expect(got).toContain('401');
    expect(got).toContain('HC_UNAUTHORIZED');
  });

  it.each([
    ['text', '/cache/a', { 'content-type': 'text/plain' }],
    ['a form', '/cache/a', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['a body of nodes', '/cache/a', SYNC],
    ['JSON of another charset', '/cache/a', { 'content-type': 'application/json; charset=latin1' }],
    ['compressed JSON', '/cache/a', { 'content-encoding': 'gzip' }],
    ['JSON as a batch', '/sync/batch', { 'content-type': 'application/json' }],
    ['JSON as a wait', '/sync/wait', { 'content-type': 'application/json' }],
  ])('refuses %s', async (_what, path, headers) => {
    const { call, cache } = await start();

    const answer = await call('POST', path, { value: 1 }, headers);

    expect(answer).toMatchObject({ status: 415, body: { code: 'HC_CONTENT_TYPE' } });
    await expect(cache.get('a')).resolves.toBeUndefined();
  });

  it('accepts JSON that says its charset', async () => {
    const { call } = await start();
    const headers = { 'content-type': 'Application/JSON; charset="UTF-8"' };

    await expect(call('POST', '/cache/a', '{"value":1}', headers)).resolves.toMatchObject({
      status: 200,
    });
  });

  it('refuses a path that is not well encoded', async () => {
    const { call, url } = await start();

    const malformed = await call('GET', '/cache/%E0%A4%A');
    const noUtf8 = await apiClient(url)('GET', '/cache/%ff');

    for (const { status } of [malformed, noUtf8]) {
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
    }
  });

  it('takes keys of 100 characters, and refuses those over 1024 bytes', async () => {
    const { call } = await start();

    await expect(call('POST', `/cache/${'k'.repeat(100)}`, { value: 1 })).resolves.toMatchObject({
      status: 200,
    });
    const { status } = await call('POST', `/cache/${'k'.repeat(1025)}`, { value: 1 });
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
  });

  if (platform === 'Express' || place === 'listen') {
    it('takes keys up to 1024 bytes, however they are encoded', async () => {
      const { call } = await start();

      for (const key of ['k'.repeat(1024), 'é'.repeat(512)]) {
        const path = `/cache/${encodeURIComponent(key)}`;
        await expect(call('POST', path, { value: 1 })).resolves.toMatchObject({ status: 200 });
        await expect(call('GET', path)).resolves.toMatchObject({ body: { key } });
        await expect(
          call('POST', `/cache/${encodeURIComponent(`${key}é`)}`, { value: 1 }),
        ).resolves.toMatchObject({ status: 400, body: { code: 'HC_KEY_INVALID' } });
      }
    });
  }

  it('answers HEAD of a feed instead of opening one', async () => {
    const { call, sync } = await start();

    const { status } = await call('HEAD', '/sync/feed?protocol=1&replica=r&position=');

    expect(status).toBe(404);
    expect(sync.sinks).toEqual([]);
  });

  it.each(['', '?protocol=x&replica=r', '?protocol=1', '?protocol=1&replica=a%20b'])(
    'refuses a feed asked for by %j',
    async (query) => {
      const { call, sync } = await start();

      await expect(call('GET', `/sync/feed${query}`)).resolves.toMatchObject({
        status: 400,
        body: { code: 'HC_REQUEST_INVALID' },
      });
      expect(sync.sinks).toEqual([]);
    },
  );

  it('gives back the lock that a client waited for and left', async () => {
    const { url, cache } = await start();
    const held = cache.lock('job', { ttl: 60_000 });
    await held.acquire();
    const body = JSON.stringify({ owner: 'gone', ttl: 60_000, wait: 60_000 });
    const headers = ['content-type: application/json', `content-length: ${body.length}`];
    const socket = await dial(url);
    socket.write(head('POST', url, '/lock/job', headers) + body);
    await eventually(async () => expect((await cache.stats()).lockWaiters).toBe(1));

    socket.destroy();
    await eventually(async () => expect((await cache.stats()).lockWaiters).toBe(0));
    await held.release();

    await expect(cache.inspectLock('job')).resolves.toBeUndefined();
  });

  it('ends a wait for a lock when the application closes', async () => {
    const { app, url } = await startApi(apps, platform, place);
    const cache = app.get(HyperCache);
    await cache.lock('job', { ttl: 60_000 }).acquire();
    const waiting = apiClient(url)('POST', '/lock/job', { ttl: 60_000, wait: 60_000 });
    await eventually(async () => expect((await cache.stats()).lockWaiters).toBe(1));

    await app.close();

    await expect(waiting).resolves.toMatchObject({ status: 503, body: { code: 'HC_CLOSED' } });
  });
});

describe('a node without a token', () => {
  const apps = useNestApps();

  it.each(PLATFORMS)('serves nothing on %s', async (platform) => {
    const { url } = await startApi(apps, platform, 'host', { apiToken: undefined });

    const { status, headers } = await apiClient(url)('GET', '/ping');

    expect(status).toBe(404);
    expect(headers.get('x-hypercache')).toBeNull();
  });
});
