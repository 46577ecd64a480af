import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from '@jest/globals';
import { HttpPrimaryClient } from '../../lib/nest/http-primary-client.js';
import { PROTOCOL_VERSION } from '../../lib/cluster/wire/sync-endpoint.js';
import { PLACES, startApi, type Place } from '../support/api-apps.js';
import { apiClient, OTHER_TOKEN, TOKEN } from '../support/api-client.js';
import { offerSync } from '../support/fake-sync.js';
import {
  ALL_SETTINGS,
  HOST_SETTINGS,
  NO_EXEMPTION,
  Public,
  SkipThrottle,
  type HostSetting,
} from '../support/hostile-hosts.js';
import { PLATFORMS, useNestApps, type Platform } from '../support/nest-apps.js';

const PATH = '/api/hypercache';
const apps = useNestApps();
const clients: HttpPrimaryClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

async function start(
  platform: Platform,
  place: Place,
  host: HostSetting,
  controllerDecorators: ClassDecorator[],
): Promise<{ url: string; client: HttpPrimaryClient }> {
  const { app, url } = await startApi(apps, platform, place, { controllerDecorators }, host);
  offerSync(app);
  const client = new HttpPrimaryClient({
    url: url.slice(0, -PATH.length),
    path: PATH,
    token: TOKEN,
    signRequests: false,
    timeoutMs: 5000,
  });
  clients.push(client);
  return { url, client };
}

const cases = PLATFORMS.flatMap((platform) =>
  [...HOST_SETTINGS, ALL_SETTINGS].flatMap((host) =>
    PLACES.map((place) => ({ platform, place, host, name: host.name })),
  ),
);

describe.each(cases)('in a host with $name, on $platform ($place)', ({ platform, place, host }) => {
  const decorators = place === 'host' ? [Public(), SkipThrottle()] : [];

  it('answers people as it does everywhere', async () => {
    const { url } = await start(platform, place, host, decorators);
    const call = apiClient(url);

    const set = await call('POST', '/cache/a', { value: { n: 1 } });
    const first = await call('GET', '/cache/a');
    await call('POST', '/cache/a', { value: { n: 2 } });
    const second = await call('GET', '/cache/a');
    const miss = await call('GET', '/cache/b');
    const malformed = await call('POST', '/cache/a', '{');
    const deleted = await call('DELETE', '/cache', { prefix: 'a' });
    const refused = await apiClient(url, OTHER_TOKEN)('GET', '/cache/a');

    expect(set).toMatchObject({ status: 200, body: { revision: expect.any(Number) } });
    expect(first).toMatchObject({ status: 200, body: { key: 'a', value: { n: 1 } } });
    expect(second).toMatchObject({ status: 200, body: { key: 'a', value: { n: 2 } } });
    expect(miss).toMatchObject({ status: 404, body: { code: 'HC_MISS' } });
    expect(malformed).toMatchObject({ status: 400, body: { code: 'HC_REQUEST_INVALID' } });
    expect(deleted).toMatchObject({ status: 200, body: { deleted: 1 } });
    expect(refused).toMatchObject({ status: 401, body: { code: 'HC_UNAUTHORIZED' } });
    for (const { headers } of [set, first, miss, malformed, refused]) {
      expect(headers.get('x-hypercache')).toBe(String(PROTOCOL_VERSION));
      expect(headers.get('cache-control')).toContain('no-store');
    }
  });

  it('serves nodes', async () => {
    const { client } = await start(platform, place, host, decorators);
    const controller = new AbortController();
    const bytes = Buffer.alloc(200_000, 1);

    const answer = await client.exchange(bytes);
    const feed = await client.feed(
      { protocol: 1, replicaId: 'r', position: 'p' },
      controller.signal,
    );
    const [chunk] = await once(feed, 'data');
    const waited = await text(await client.wait(Buffer.from('lease'), controller.signal));

    expect(answer).toHaveLength(200_005);
    expect(JSON.parse(String(chunk))).toMatchObject({ replicaId: 'r', position: 'p' });
    expect(waited).toBe('...lease');
    feed.on('error', () => undefined);
    controller.abort();
  });
});

describe.each(PLATFORMS)('a node behind the settings of a host on %s', (platform) => {
  it.each([
    ['a guard without an exemption', NO_EXEMPTION, 'status 403', 'option listen'],
    ['a guard', settingNamed('a global guard'), 'status 401', 'controllerDecorators: [Public()]'],
    ['a throttler', settingNamed('a throttler'), 'status 429', 'SkipThrottle()'],
  ])('is told that %s answered, and what to set', async (_what, host, status, hint) => {
    const { client } = await start(platform, 'host', host, []);

    await expect(client.exchange(Buffer.from('a'))).rejects.toMatchObject({
      code: 'HC_PRIMARY_FOREIGN',
      message: expect.stringMatching(
        new RegExp(`The host application answered, not HyperCache: ${status}`),
      ),
      hint: expect.stringContaining(hint),
    });
  });

  it('is told when its primaryUrl lacks the global prefix', async () => {
    const { url } = await start(platform, 'host', settingNamed('a global prefix'), []);
    const client = new HttpPrimaryClient({
      url: new URL(url).origin,
      path: PATH,
      token: TOKEN,
      signRequests: false,
      timeoutMs: 5000,
    });
    clients.push(client);

    await expect(client.exchange(Buffer.from('a'))).rejects.toMatchObject({
      code: 'HC_PRIMARY_FOREIGN',
      hint: expect.stringContaining('global prefix'),
    });
  });
});

function settingNamed(name: string): HostSetting {
  return HOST_SETTINGS.find((setting) => setting.name === name) ?? NO_EXEMPTION;
}
