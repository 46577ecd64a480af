import { Body, Controller, Post, type INestApplication } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { HyperCacheModule } from '../../lib/nest/hyper-cache.module.js';
import { apiClient, TOKEN, type ApiClient } from '../support/api-client.js';
import { PLATFORMS, useNestApps } from '../support/nest-apps.js';

/** Routes of a host that resemble those of an API at `/cache`. */
@Controller()
class ShopController {
  @Post(['shop/cache/items', 'cache-stats', 'shop/cache', 'cached/cache/items'])
  echo(@Body() body: unknown): unknown {
    return { body };
  }
}

const ROUTES = ['/shop/cache/items', '/cache-stats', '/shop/cache', '/cached/cache/items'];

/** Above what a host takes unless told. */
const LARGE = 'x'.repeat(2 * 1024 * 1024);

const prefixed =
  (...setting: Parameters<INestApplication['setGlobalPrefix']>) =>
  (app: INestApplication): void =>
    void app.setGlobalPrefix(...setting);

const HOSTS = [
  { what: 'no global prefix', configure: () => undefined, host: '', api: '/cache' },
  { what: 'a global prefix', configure: prefixed('shop/'), host: '/shop', api: '/shop/cache' },
  {
    what: 'a global prefix from which the API is exempt',
    configure: prefixed('shop', { exclude: ['cache/*path'] }),
    host: '/shop',
    api: '/cache',
  },
];

const cases = PLATFORMS.flatMap((platform) => HOSTS.map((host) => ({ platform, ...host })));

const apps = useNestApps();

async function start(
  platform: (typeof PLATFORMS)[number],
  configure: (app: INestApplication) => void,
): Promise<ApiClient> {
  const api = HyperCacheModule.forRoot({
    path: '/cache',
    sqlitePath: apps.directory(),
    apiToken: TOKEN,
    logger: false,
  });
  const metadata = { imports: [api], controllers: [ShopController] };
  return apiClient((await apps.listen(platform, metadata, configure)).url);
}

describe.each(cases)('a host with $what on $platform', ({ platform, configure, host, api }) => {
  it.each(ROUTES)('gets the bodies of its own %s', async (route) => {
    const call = await start(platform, configure);

    const answer = await call('POST', `${host}${route}`, { name: 'ä' });

    expect(answer).toMatchObject({ status: 201, body: { body: { name: 'ä' } } });
  });

  it('gets no body of the API', async () => {
    const call = await start(platform, configure);

    const stored = await call('POST', `${api}/cache/large`, { value: LARGE });

    expect(stored).toMatchObject({ status: 200, body: { revision: expect.any(Number) } });
    expect(await call('GET', `${api}/cache/large`)).toMatchObject({ body: { value: LARGE } });
  });
});

describe.each(PLATFORMS)('a host with a parameter in its global prefix on %s', (platform) => {
  it('gets no body of the API', async () => {
    const call = await start(platform, prefixed(':tenant/v1'));

    const stored = await call('POST', '/acme/v1/cache/cache/large', { value: LARGE });

    expect(stored).toMatchObject({ status: 200, body: { revision: expect.any(Number) } });
  });
});

describe('a host gets no body of the API that is asked for', () => {
  it.each([
    ['Express', 'in capitals', '/CACHE/CACHE/large'],
    ['Fastify', 'encoded', '/%63ache/%63ache/large'],
  ] as const)('on %s %s', async (platform, _how, path) => {
    const call = await start(platform, () => undefined);

    const stored = await call('POST', path, { value: LARGE });

    expect(stored).toMatchObject({ status: 200, body: { revision: expect.any(Number) } });
  });
});
