import { describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HttpPrimaryClient } from '../../lib/nest/http-primary-client.js';
import { HyperCacheModule } from '../../lib/nest/hyper-cache.module.js';
import { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import { PROTOCOL_VERSION } from '../../lib/cluster/wire/sync-endpoint.js';
import { PLACES, startApi } from '../support/api-apps.js';
import { apiClient, OTHER_TOKEN, TOKEN, type ApiAnswer } from '../support/api-client.js';
import { eventually } from '../support/eventually.js';
import { PLATFORMS, useNestApps } from '../support/nest-apps.js';
import { signed, type ToSign } from '../support/signed-request.js';

const SECOND = 1000;
const BODY = '{"value":1}';
const REFUSED = { status: 401, body: { code: 'HC_UNAUTHORIZED' } };

const variants = PLATFORMS.flatMap((platform) => PLACES.map((place) => ({ platform, place })));

describe.each(variants)('signed requests on $platform ($place)', ({ platform, place }) => {
  const apps = useNestApps();

  async function start(signRequests = true) {
    const { app, url } = await startApi(apps, platform, place, { signRequests });
    const call = apiClient(url, null);
    /** Sends one request, and what was signed for it or for another. */
    const send = (
      method: string,
      path: string,
      body: string | undefined,
      toSign: Partial<ToSign> = {},
    ): Promise<ApiAnswer> => {
      const own = { method, url: url + path, ...(body === undefined ? {} : { body }) };
      return call(method, path, body, signed({ ...own, ...toSign }));
    };
    return { url, call, send, cache: app.get(HyperCache) };
  }

  it('are accepted without the token, with a body, a query or neither', async () => {
    const { send } = await start();

    await expect(send('POST', '/cache/a%2Fb?namespace=n', BODY)).resolves.toMatchObject({
      status: 200,
    });
    await expect(send('GET', '/cache/a%2Fb?namespace=n', undefined)).resolves.toMatchObject({
      body: { value: 1 },
    });
    await expect(send('DELETE', '/cache', undefined)).resolves.toMatchObject({ status: 200 });
  });

  it('are needed where the option says so', async () => {
    const { url } = await start();

    await expect(apiClient(url)('GET', '/ping')).resolves.toMatchObject(REFUSED);
    await expect(apiClient(url, null)('GET', '/ping')).resolves.toMatchObject(REFUSED);
  });

  it('are accepted also where nobody asks for them', async () => {
    const { url, send } = await start(false);

    await expect(send('GET', '/ping', undefined)).resolves.toMatchObject({ status: 200 });
    await expect(apiClient(url)('GET', '/ping')).resolves.toMatchObject({ status: 200 });
  });

  it('pass once', async () => {
    const { url, call } = await start();
    const headers = signed({ method: 'POST', url: `${url}/increment/n`, body: '{"by":2}' });

    const first = await call('POST', '/increment/n', '{"by":2}', headers);
    const again = await Promise.all(
      [1, 2, 3].map(() => call('POST', '/increment/n', '{"by":2}', headers)),
    );

    expect(first).toMatchObject({ status: 200, body: { value: 2 } });
    for (const answer of again) expect(answer).toMatchObject(REFUSED);
  });

  it.each([
    ['another method', 'DELETE', '/cache/a', {}, { method: 'GET' }],
    ['another path', 'GET', '/cache/b', {}, { path: '/cache/a' }],
    ['another query', 'GET', '/cache/a?namespace=n', {}, { path: '/cache/a' }],
    ['another token', 'GET', '/cache/a', { token: OTHER_TOKEN }, {}],
    ['31 seconds ago', 'GET', '/cache/a', { ago: 31 * SECOND }, {}],
    ['for in 31 seconds', 'GET', '/cache/a', { ago: -31 * SECOND }, {}],
    ['before the node has started', 'GET', '/cache/a', { ago: 10 * SECOND }, {}],
    ['with a nonce that is too short', 'GET', '/cache/a', { nonce: '123456789012345' }, {}],
    ['with a nonce that is too long', 'GET', '/cache/a', { nonce: 'n'.repeat(65) }, {}],
  ])('are refused when signed: %s', async (_what, method, path, more, other) => {
    const { url, call } = await start();
    const { ago = 0, ...rest }: { ago?: number; token?: string; nonce?: string } = more;
    const { method: signedMethod = method, path: signedPath = path }: Record<string, string> =
      other;

    const headers = signed({
      method: signedMethod,
      url: url + signedPath,
      timestamp: Date.now() - ago,
      ...rest,
    });

    await expect(call(method, path, undefined, headers)).resolves.toMatchObject(REFUSED);
  });

  it.each([
    ['timestamp', String(Date.now())],
    ['nonce', 'another-nonce-of-32-characters-0'],
    ['content-sha256', '0'.repeat(64)],
    ['signature', '0'.repeat(64)],
    ['signature', 'x'],
    ['signature', ''],
  ])('are refused with another %s', async (name, value) => {
    const { url, call } = await start();
    const headers = signed({ method: 'GET', url: `${url}/ping`, timestamp: Date.now() + 1 });

    const answer = call('GET', '/ping', undefined, { ...headers, [`x-hypercache-${name}`]: value });

    await expect(answer).resolves.toMatchObject(REFUSED);
  });

  it('are refused with another body, or without theirs, and nothing happens', async () => {
    const { url, call, cache } = await start();
    await cache.set('users:1', 1);
    await cache.set('other', 2);

    for (const [method, path, body, instead] of [
      ['POST', '/cache/other', BODY, '{"value":3}'],
      ['DELETE', '/cache', '{"prefix":"users:"}', undefined],
      ['DELETE', '/cache', undefined, '{"prefix":"other"}'],
    ] as const) {
      const toSign = { method, url: url + path, ...(body === undefined ? {} : { body }) };
      await expect(call(method, path, instead, signed(toSign))).resolves.toMatchObject(REFUSED);
    }

    await expect(cache.mget(['users:1', 'other'])).resolves.toEqual([1, 2]);
  });

  it('are refused by every node that they are not for, and do nothing there', async () => {
    const { url, call, cache } = await start();
    const secondary = await apps.listen(platform, {
      imports: [
        HyperCacheModule.forRoot({
          role: 'secondary',
          primaryUrl: new URL(url).origin,
          apiToken: TOKEN,
          signRequests: true,
          sqlitePath: apps.directory(),
          logger: false,
        }),
      ],
    });
    const callSecondary = apiClient(`${secondary.url}/api/hypercache`, null);
    const request = ['POST', '/increment/n', '{"by":2}'] as const;
    const toSign = { method: 'POST', url: `${url}/increment/n`, body: '{"by":2}' };
    const forPrimary = signed(toSign);

    await expect(call(...request, forPrimary)).resolves.toMatchObject({ status: 200 });
    const elsewhere = await callSecondary(...request, forPrimary);
    expect(elsewhere).toMatchObject(REFUSED);
    const node = elsewhere.headers.get('x-hypercache-node') ?? '';
    const forSecondary = signed({ ...toSign, node });
    await expect(call(...request, forSecondary)).resolves.toMatchObject(REFUSED);
    await expect(callSecondary(...request, forSecondary)).resolves.toMatchObject({ status: 200 });
    await expect(callSecondary(...request, forSecondary)).resolves.toMatchObject(REFUSED);
    const unnamed = { ...forSecondary };
    delete unnamed['x-hypercache-node'];
    await expect(call(...request, unnamed)).resolves.toMatchObject(REFUSED);
    await expect(cache.get('n')).resolves.toBe(4);
  });

  it('tell a node only to who knows a token', async () => {
    const { url, call } = await start();
    const toSign = { method: 'GET', url: `${url}/ping` };

    const known = await call('GET', '/ping', undefined, signed(toSign));
    const unknown = await call(
      'GET',
      '/ping',
      undefined,
      signed({ ...toSign, token: OTHER_TOKEN }),
    );

    expect(known.headers.get('x-hypercache-node')).toMatch(/^[0-9a-f]{32}$/);
    expect(unknown.headers.get('x-hypercache-node')).toBeNull();
  });

  it('carry a secondary, whose token never travels', async () => {
    const { url, cache } = await start();
    const other = await apps.listen(platform, {
      imports: [
        HyperCacheModule.forRoot({
          role: 'secondary',
          primaryUrl: new URL(url).origin,
          apiToken: TOKEN,
          signRequests: true,
          asyncRequests: false,
          sqlitePath: apps.directory(),
          logger: false,
        }),
      ],
    });
    const secondary = other.app.get(HyperCache);

    await secondary.set('a', { n: 1 });
    await cache.set('b', 2);

    await expect(cache.get('a')).resolves.toEqual({ n: 1 });
    await eventually(() => expect(secondary.get('b')).resolves.toBe(2));
    await expect(secondary.lock('l', { ttl: 5000, wait: 1000 }).run(() => 'held')).resolves.toBe(
      'held',
    );
  });
});

describe('HttpPrimaryClient with signRequests', () => {
  it('signs for the primary that has answered last, and once more for another one', async () => {
    const named: (string | undefined)[] = [];
    let node = 'a'.repeat(32);
    const server = createServer((request, response) => {
      const asked = request.headers['x-hypercache-node'];
      named.push(asked as string | undefined);
      const isFor = asked === undefined || asked === node;
      response
        .writeHead(isFor ? 200 : 401, {
          'x-hypercache': String(PROTOCOL_VERSION),
          'x-hypercache-node': node,
        })
        .end('answer');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = new HttpPrimaryClient({
      url: `http://127.0.0.1:${port}`,
      path: '/api/hypercache',
      token: TOKEN,
      signRequests: true,
      timeoutMs: 5000,
    });

    await client.exchange(Buffer.from('a'));
    await client.exchange(Buffer.from('a'));
    node = 'b'.repeat(32);
    await expect(client.exchange(Buffer.from('a'))).resolves.toEqual(Buffer.from('answer'));
    await client.exchange(Buffer.from('a'));
    client.close();
    server.close();

    const letters = named.map((name) => name?.slice(0, 1));
    expect(letters).toEqual([undefined, 'a', 'a', 'b', 'b']);
  });

  it('sends no token, and signs every request anew', async () => {
    const seen: IncomingHttpHeaders[] = [];
    const server = createServer((request, response) => {
      seen.push(request.headers);
      response.writeHead(401, { 'x-hypercache': String(PROTOCOL_VERSION) }).end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = new HttpPrimaryClient({
      url: `http://127.0.0.1:${port}`,
      path: '/api/hypercache',
      token: TOKEN,
      signRequests: true,
      timeoutMs: 5000,
    });
    const request = { protocol: PROTOCOL_VERSION, replicaId: 'r-1', position: '' };

    const refusals = await Promise.allSettled([
      client.exchange(Buffer.from('a')),
      client.exchange(Buffer.from('a')),
      client.feed(request, new AbortController().signal),
    ]);
    client.close();
    server.close();

    for (const refusal of refusals) {
      expect(refusal).toMatchObject({ reason: { code: 'HC_PRIMARY_REFUSED' } });
    }
    expect(JSON.stringify(seen)).not.toContain(TOKEN);
    expect(new Set(seen.map((headers) => headers['x-hypercache-nonce'])).size).toBe(3);
    expect(new Set(seen.map((headers) => headers['x-hypercache-signature'])).size).toBe(3);
  });
});
