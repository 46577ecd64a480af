import { describe, expect, it } from '@jest/globals';
import { HYPERCACHE_NODE } from '../../lib/nest/hyper-cache.constants.js';
import { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import { PROTOCOL_VERSION } from '../../lib/cluster/wire/sync-endpoint.js';
import { PLACES, startApi } from '../support/api-apps.js';
import { apiClient, OTHER_TOKEN, TOKEN, type ApiClient } from '../support/api-client.js';
import { PLATFORMS, useNestApps } from '../support/nest-apps.js';

const variants = PLATFORMS.flatMap((platform) => PLACES.map((place) => ({ platform, place })));

describe.each(variants)('the HTTP API on $platform ($place)', ({ platform, place }) => {
  const apps = useNestApps();

  async function start(options = {}): Promise<{ call: ApiClient; cache: HyperCache; url: string }> {
    const { app, url } = await startApi(apps, platform, place, options);
    return { call: apiClient(url), cache: app.get(HyperCache), url };
  }

  it('sets and gets', async () => {
    const { call, cache } = await start();

    const set = await call('POST', '/cache/a%2Fb%20%C3%A9', {
      value: { n: [1, null] },
      ttl: 60_000,
    });
    const got = await call('GET', '/cache/a%2Fb%20%C3%A9');

    expect(set).toMatchObject({ status: 200, body: { revision: expect.any(Number) } });
    expect(got).toMatchObject({
      status: 200,
      body: { ...Object(set.body), key: 'a/b é', value: { n: [1, null] } },
    });
    expect(Object(got.body).expiresAt).toBeGreaterThan(Date.now());
    await expect(cache.get('a/b é')).resolves.toEqual({ n: [1, null] });
  });

  it('marks every answer as ours, and as not to be stored', async () => {
    const { call, url } = await start();
    const answers = [
      await call('GET', '/ping'),
      await call('GET', '/cache/none'),
      await call('POST', '/cache/a', '{'),
      await call('GET', '/nowhere'),
      await apiClient(url, OTHER_TOKEN)('GET', '/ping'),
    ];

    expect(answers.map(({ status }) => status)).toEqual([200, 404, 400, 404, 401]);
    for (const { headers } of answers) {
      expect(headers.get('x-hypercache')).toBe(String(PROTOCOL_VERSION));
      expect(headers.get('cache-control')).toBe('no-store, no-transform');
    }
  });

  it('answers with value, revision and deadline of one entry, whatever is written meanwhile', async () => {
    const { call, cache } = await start();
    const begin = Date.now();
    const hour = 3_600_000;
    let isOver = false;
    async function write(): Promise<void> {
      for (let n = 1; !isOver; n++) await cache.set('a', n, { ttl: n * hour });
    }

    const writing = write();
    const answers = [];
    for (let i = 0; i < 50; i++) answers.push(await call('GET', '/cache/a'));
    isOver = true;
    await writing;

    expect(answers.map(({ body }) => Math.floor((Object(body).expiresAt - begin) / hour))).toEqual(
      answers.map(({ body }) => Object(body).value),
    );
  });

  it('answers null where an entry never expires, and 404 on a miss', async () => {
    const { call } = await start();
    await call('POST', '/cache/a', { value: false });

    await expect(call('GET', '/cache/a')).resolves.toMatchObject({
      body: { value: false, expiresAt: null },
    });
    await expect(call('GET', '/cache/b')).resolves.toMatchObject({
      status: 404,
      body: { code: 'HC_MISS' },
    });
  });

  it('writes what JSON cannot express as docs/http-api.md says', async () => {
    const { call, cache } = await start();
    await cache.set('a', {
      date: new Date(0),
      buffer: Buffer.from('hi'),
      bytes: Uint8Array.of(1, 2),
      map: new Map([['k', new Set([1n])]]),
      nan: Number.NaN,
    });

    await expect(call('GET', '/cache/a')).resolves.toMatchObject({
      body: {
        value: {
          date: '1970-01-01T00:00:00.000Z',
          buffer: 'aGk=',
          bytes: 'AQI=',
          map: [['k', ['1']]],
          nan: null,
        },
      },
    });
  });

  it('adds once', async () => {
    const { call } = await start();

    const first = await call('POST', '/add/a', { value: 1 });
    const second = await call('POST', '/add/a', { value: 2, ttl: 5 });

    expect(first.body).toEqual({ added: true, revision: expect.any(Number) });
    expect(second.body).toEqual({ added: false, revision: Object(first.body).revision });
  });

  it('counts', async () => {
    const { call } = await start();

    await expect(call('POST', '/increment/a')).resolves.toMatchObject({ body: { value: 1 } });
    const { body } = await call('POST', '/increment/a', { by: 41, ttl: 5000, initial: 7 });
    await expect(call('GET', '/cache/a')).resolves.toMatchObject({
      body: { ...Object(body), value: 42, expiresAt: null },
    });
    await call('POST', '/cache/text', { value: 'x' });
    await expect(call('POST', '/increment/text', {})).resolves.toMatchObject({
      status: 409,
      body: { code: 'HC_NOT_AN_INTEGER' },
    });
    await expect(call('POST', '/increment/a', { by: 2 ** 53 - 1 })).resolves.toMatchObject({
      status: 409,
      body: { code: 'HC_NUMBER_RANGE' },
    });
  });

  it('deletes one, by prefix, and all, in the namespace that is named', async () => {
    const { call } = await start();
    for (const key of ['a1', 'a2', 'b']) await call('POST', `/cache/${key}`, { value: 1 });
    await call('POST', '/cache/a1?namespace=other', { value: 2 });

    await expect(call('DELETE', '/cache/a1')).resolves.toMatchObject({ body: { deleted: true } });
    await expect(call('DELETE', '/cache/a1')).resolves.toMatchObject({ body: { deleted: false } });
    await expect(call('DELETE', '/cache', { prefix: 'a' })).resolves.toMatchObject({
      body: { deleted: 1 },
    });
    await expect(call('DELETE', '/cache?prefix=c')).resolves.toMatchObject({
      body: { deleted: 0 },
    });
    await expect(call('DELETE', '/cache')).resolves.toMatchObject({ body: { deleted: 1 } });
    await expect(call('GET', '/cache/a1?namespace=other')).resolves.toMatchObject({
      body: { value: 2 },
    });
  });

  it.each([
    ['an empty key', '/cache/', undefined],
    ['a malformed body', '/cache', '{"prefix":'],
    ['an unknown field', '/cache', { prefx: 'a' }],
    ['an empty prefix', '/cache', { prefix: '' }],
    ['a prefix that is no text', '/cache', { prefix: 5 }],
  ])('does not clear for %s', async (_what, path, body) => {
    const { call, cache } = await start();
    await cache.set('a', 1);

    const { status } = await call('DELETE', path, body);

    expect([400, 404]).toContain(status);
    await expect(cache.get('a')).resolves.toBe(1);
  });

  it('grants, extends and releases locks', async () => {
    const { call } = await start();

    const got = await call('POST', '/lock/job', { ttl: 60_000 });
    const { owner, token } = Object(got.body);
    expect(got.body).toEqual({
      acquired: true,
      owner: expect.stringMatching(/^[0-9a-f]{32}$/),
      token: expect.any(Number),
      expiresAt: expect.any(Number),
    });
    await expect(call('POST', '/lock/job', { owner: 'me', ttl: 60_000 })).resolves.toMatchObject({
      status: 200,
      body: { acquired: false, owner: 'me', token: null, expiresAt: null },
    });
    await expect(call('PATCH', '/lock/job', { owner: 'me', ttl: 60_000 })).resolves.toMatchObject({
      body: { extended: false, expiresAt: null },
    });
    await expect(call('PATCH', '/lock/job', { owner, ttl: 90_000 })).resolves.toMatchObject({
      body: { extended: true, expiresAt: expect.any(Number) },
    });
    await expect(call('DELETE', '/lock/job', { owner: 'me' })).resolves.toMatchObject({
      body: { released: false },
    });
    const waiting = call('POST', '/lock/job', { owner: 'me', ttl: 60_000, wait: 30_000 });
    await expect(call('DELETE', `/lock/job?owner=${owner}`)).resolves.toMatchObject({
      body: { released: true },
    });
    const next = await waiting;
    expect(next.body).toMatchObject({ acquired: true, owner: 'me' });
    expect(Object(next.body).token).toBeGreaterThan(token);
  });

  it('tells who it is, and how it is', async () => {
    const { call } = await start();
    await call('POST', '/cache/a', { value: 1 });

    await expect(call('GET', '/ping')).resolves.toMatchObject({
      status: 200,
      body: {
        role: 'primary',
        position: { historyId: expect.any(String), epoch: expect.any(Number), revision: 1 },
        version: expect.any(String),
        protocol: PROTOCOL_VERSION,
      },
    });
    await expect(call('GET', '/stats')).resolves.toMatchObject({
      status: 200,
      body: { role: 'primary', revision: 1, l2: { entries: 1 } },
    });
  });

  it.each([
    ['GET', '/cache/a', undefined],
    ['POST', '/cache/a', { value: 1 }],
    ['POST', '/cache/a', '{ malformed'],
    ['POST', '/add/a', { value: 1 }],
    ['POST', '/increment/a', {}],
    ['DELETE', '/cache/a', undefined],
    ['DELETE', '/cache', undefined],
    ['POST', '/lock/a', { ttl: 1000 }],
    ['PATCH', '/lock/a', { ttl: 1000, owner: 'me' }],
    ['DELETE', '/lock/a', { owner: 'me' }],
    ['GET', '/ping', undefined],
    ['GET', '/stats', undefined],
    ['POST', '/sync/batch', undefined],
    ['GET', '/sync/feed', undefined],
    ['POST', '/sync/wait', undefined],
    ['GET', '/nowhere', undefined],
    ['PUT', '/cache/a', { value: 1 }],
  ])('refuses %s %s without a valid token, and says nothing', async (method, path, body) => {
    const { url, cache } = await start();
    const missing = await apiClient(url, null)(method, path, body, { 'x-other': '1' });
    const wrong = await apiClient(url, OTHER_TOKEN)(method, path, body);
    const near = await apiClient(url, `${TOKEN}x`)(method, path, body);

    for (const answer of [missing, wrong, near]) {
      expect(answer.status).toBe(401);
      expect(answer.body).toEqual({ code: 'HC_UNAUTHORIZED', message: expect.any(String) });
      expect(answer.body).toEqual(missing.body);
    }
    await expect(cache.get('a')).resolves.toBeUndefined();
  });

  it('says of a node without a sync endpoint that it is no primary', async () => {
    const { app, url } = await startApi(apps, platform, place);
    Object.defineProperty(app.get(HYPERCACHE_NODE), 'sync', { value: undefined });

    for (const [method, path] of [
      ['POST', '/sync/batch'],
      ['GET', '/sync/feed'],
      ['POST', '/sync/wait'],
    ] as const) {
      await expect(apiClient(url)(method, path)).resolves.toMatchObject({
        status: 421,
        body: { code: 'HC_NOT_PRIMARY' },
      });
    }
  });

  it('accepts each token of a list', async () => {
    const { url } = await start({ apiToken: [OTHER_TOKEN, TOKEN] });

    for (const token of [TOKEN, OTHER_TOKEN]) {
      await expect(apiClient(url, token)('GET', '/ping')).resolves.toMatchObject({ status: 200 });
    }
  });

  it.each([
    ['malformed JSON', 'POST', '/cache/a', '{"value":', 400, 'HC_REQUEST_INVALID'],
    ['JSON that is no object', 'POST', '/cache/a', '[1]', 400, 'HC_REQUEST_INVALID'],
    ['a JSON null', 'POST', '/cache/a', 'null', 400, 'HC_REQUEST_INVALID'],
    ['no UTF-8', 'POST', '/cache/a', Buffer.from([0x22, 0xff, 0x22]), 400, 'HC_REQUEST_INVALID'],
    ['an unknown field', 'POST', '/cache/a', { value: 1, tll: 5 }, 400, 'HC_REQUEST_INVALID'],
    ['no value', 'POST', '/cache/a', {}, 400, 'HC_VALUE_UNSUPPORTED'],
    ['no body', 'POST', '/cache/a', undefined, 400, 'HC_VALUE_UNSUPPORTED'],
    [
      'a polluting value',
      'POST',
      '/cache/a',
      '{"value":{"__proto__":1}}',
      400,
      'HC_VALUE_UNSUPPORTED',
    ],
    ['a ttl that is no number', 'POST', '/cache/a', { value: 1, ttl: '5' }, 400, 'HC_TTL_INVALID'],
    ['a duration', 'POST', '/cache/a', { value: 1, ttl: '5s' }, 400, 'HC_TTL_INVALID'],
    ['a lock for a duration', 'POST', '/lock/a', { ttl: '5s' }, 400, 'HC_TTL_INVALID'],
    ['a wait as a duration', 'POST', '/lock/a', { ttl: 5, wait: '1s' }, 400, 'HC_ARGUMENT_INVALID'],
    [
      'tags that are no list',
      'POST',
      '/cache/a',
      { value: 1, tags: 5 },
      400,
      'HC_ARGUMENT_INVALID',
    ],
    [
      'an amount that is no number',
      'POST',
      '/increment/a',
      { by: 'x' },
      400,
      'HC_ARGUMENT_INVALID',
    ],
    ['a lock without a ttl', 'POST', '/lock/a', {}, 400, 'HC_ARGUMENT_INVALID'],
    ['a lock with ttl 0', 'POST', '/lock/a', { ttl: 0 }, 400, 'HC_ARGUMENT_INVALID'],
    ['a bad wait', 'POST', '/lock/a', { ttl: 5, wait: -1 }, 400, 'HC_ARGUMENT_INVALID'],
    ['a bad owner', 'POST', '/lock/a', { ttl: 5, owner: 5 }, 400, 'HC_ARGUMENT_INVALID'],
    ['an extension without a ttl', 'PATCH', '/lock/a', { owner: 'a' }, 400, 'HC_ARGUMENT_INVALID'],
    ['an extension without an owner', 'PATCH', '/lock/a', { ttl: 5 }, 400, 'HC_ARGUMENT_INVALID'],
    ['a release without an owner', 'DELETE', '/lock/a', undefined, 400, 'HC_ARGUMENT_INVALID'],
    ['an empty namespace', 'GET', '/cache/a?namespace=', undefined, 400, 'HC_ARGUMENT_INVALID'],
    ['an unknown path', 'GET', '/cash/a', undefined, 404, 'HC_ROUTE_UNKNOWN'],
    ['the path of the API', 'GET', '', undefined, 404, 'HC_ROUTE_UNKNOWN'],
    ['an unknown method', 'PUT', '/cache/a', { value: 1 }, 404, 'HC_ROUTE_UNKNOWN'],
  ])('answers %s with a code', async (_what, method, path, body, status, code) => {
    const { call, cache } = await start();

    const answer = await call(method, path, body);

    expect(answer.body).toMatchObject({ code, message: expect.any(String) });
    expect(answer.status).toBe(status);
    await expect(cache.get('a')).resolves.toBeUndefined();
  });
});
