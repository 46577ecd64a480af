import { describe, expect, it } from '@jest/globals';
import { get as httpGet } from 'node:http';
import { HyperCacheModule } from 'nestjs-hypercache';
import { HyperCacheInspector, HyperCacheInspectorModule } from 'nestjs-hypercache/inspector';
import { assets } from '../../lib/inspector/assets/assets.js';
import { EventStream } from '../support/event-stream.js';
import { eventually } from '../support/eventually.js';
import { HOST_SETTINGS } from '../support/hostile-hosts.js';
import { AUTHORIZATION, startInspected } from '../support/inspected-apps.js';
import { SCENE_TOKEN, sceneClock, SceneClockModule } from '../support/inspected-scene.js';
import { PLATFORMS, useNestApps } from '../support/nest-apps.js';

const VIEWS = [
  '',
  '/namespaces',
  '/keys',
  '/tags',
  '/locks',
  '/cluster',
  '/factories',
  '/jobs',
  '/events',
];
const HOSTILE = '</script><img src=x onerror=alert(1)>';
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/** What a guard lets pass, or a global guard of the host would keep away. */
const HOSTS = HOST_SETTINGS.filter(({ name }) => !['a global guard', 'a throttler'].includes(name));

describe.each(PLATFORMS)('the inspector on %s', (platform) => {
  const apps = useNestApps();

  it.each(VIEWS)('serves %p as a page of its own', async (path) => {
    const { cache, get } = await startInspected(apps, { platform });
    await cache.set(HOSTILE, { price: 42 }, { tags: [HOSTILE] });
    await cache.runOnce(HOSTILE, { window: '1h' }, () => undefined);

    const response = await get(path);

    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': POLICY,
      'cache-control': 'no-store, no-transform',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    const page = await response.text();
    expect(page).toMatch(/^<!doctype html>[^]*<\/html>\n$/);
    expect(page).not.toContain(HOSTILE);
    expect(page).not.toMatch(/style="|<script>| on\w+="/);
  });

  it('gives nothing to a request that the guard refuses', async () => {
    const { cache, url } = await startInspected(apps, { platform, inspector: { actions: true } });
    await cache.set('secret-key', 1);
    const paths = ['/stream?view=', '/stream?view=events', '/nothing'];
    paths.push(...Array.from(assets.keys(), (name) => `/assets/${name}`), ...VIEWS);

    for (const path of paths) {
      const response = await fetch(url + path);

      expect([path, response.status]).toEqual([path, 401]);
      await expect(response.text()).resolves.not.toMatch(/secret-key|HyperCache/);
    }
    const sent = await fetch(`${url}/actions/clear?namespace=default`, { method: 'POST' });
    expect(sent.status).toBe(401);
    await expect(cache.get('secret-key')).resolves.toBe(1);
  });

  it.each(HOSTS)('is the same in an application with $name', async (host) => {
    const { cache, get, url } = await startInspected(apps, { platform, ...host });
    await cache.set('first', 1);

    for (let time = 0; time < 2; time++) {
      const page = await (await get('/keys')).text();

      expect(page).toMatch(/^<!doctype html>[^]*<\/html>\n$/);
      expect(page).toContain(time === 0 ? '>first</a>' : '>second</a>');
      // What another page shows next is not what was shown before.
      await cache.set('second', 2);
      const [, link = ''] = /<link rel="stylesheet" href="([^"]+)"/.exec(page) ?? [];
      const style = await fetch(new URL(link, `${url}/keys`), {
        headers: { authorization: AUTHORIZATION },
      });
      expect(style.headers.get('content-type')).toBe('text/css; charset=utf-8');
      await expect(style.text()).resolves.toMatch(/^\n:root/);
    }
    const stream = await EventStream.open(`${url}/stream?view=`);
    expect((await stream.next())?.event).toBe('view');
    stream.close();
  });

  it('shows an entry without its value, unless that is wanted, and as the redactor likes it', async () => {
    const entry = '/keys?namespace=default&key=a';
    const hidden = await startInspected(apps, { platform });
    const shown = await startInspected(apps, { platform, inspector: { values: true } });
    const redact = (value: unknown, { key }: { key: string }): string =>
      `${key} of ${String(value)}`;
    const redacted = await startInspected(apps, { platform, inspector: { values: true, redact } });
    for (const { cache } of [hidden, shown, redacted]) await cache.set('a', 'swordfish');

    await expect((await hidden.get(entry)).text()).resolves.not.toContain('swordfish');
    await expect((await shown.get(entry)).text()).resolves.toContain('&#39;swordfish&#39;');
    await expect((await redacted.get(entry)).text()).resolves.toContain('a of swordfish');
  });

  it('pages through the keys of a namespace', async () => {
    const { cache, get, url } = await startInspected(apps, { platform });
    await cache.mset(Array.from({ length: 250 }, (_, id) => ({ key: `k${id}`, value: id })));
    const seen = new Set<string>();
    let next: string | undefined = '/keys?prefix=k';

    for (let page = 0; page < 3; page++) {
      const text: string = await (await get(next ?? '')).text();
      for (const [, key = ''] of text.matchAll(/>(k\d+)<\/a>/g)) seen.add(key);
      const [, link] = /href="\.\/(keys\?[^"]+)">Next page/.exec(text) ?? [];
      next = link && `/${link.replaceAll('&amp;', '&')}`;
    }

    expect(next).toBeUndefined();
    expect(seen.size).toBe(250);
    expect(url).toContain('/hypercache');
  });

  it('shows the tags of a namespace, and the entries of a tag', async () => {
    const { cache, get } = await startInspected(apps, { platform });
    await cache.set('a', 1, { tags: ['odd', 'small'] });
    await cache.set('b', 2, { tags: ['even', 'small'] });

    const tags = await (await get('/tags?namespace=default&prefix=s')).text();
    const small = await (await get('/tags?namespace=default&tag=small')).text();
    const odd = await (await get('/tags?namespace=default&tag=odd')).text();

    expect(tags).toMatch(/>small<\/a>[^]*>2<\/td>/);
    expect(tags).not.toContain('>odd</a>');
    expect(small).toMatch(/class="key"[^>]*>a<\/a>[^]*class="key"[^>]*>b<\/a>/);
    expect(odd).not.toMatch(/class="key"[^>]*>b<\/a>/);
  });

  it('shows the runs of jobs, and what became of those that were left out', async () => {
    const { cache, get } = await startInspected(apps, { platform });
    for (let time = 0; time < 2; time++) {
      await cache.runOnce('nightly', { window: '1h' }, () => undefined);
    }

    const page = await (await get('/jobs')).text();

    expect(page).toMatch(/nightly<\/th>[^]*ended well[^]*nightly<\/th>[^]*>skipped</);
  });

  it('takes a query as it was sent', async () => {
    const { cache, get } = await startInspected(apps, { platform });
    await cache.set('a?b=c', 1);

    await expect((await get('/keys?key=a?b%3Dc')).text()).resolves.toContain('<h2>a?b=c</h2>');
  });

  it('follows a view, and ends with the application', async () => {
    const { app, cache, url } = await startInspected(apps, { platform });
    const stream = await EventStream.open(`${url}/stream?view=namespaces`);
    await cache.set('a', 1);

    expect(stream.type).toBe('text/event-stream; charset=utf-8');
    const { event, data } = (await stream.next()) ?? {};
    expect(event).toBe('view');
    expect(data).toContain('<div id="namespaces" data-live>');
    const closed = app.close();
    await eventually(async () => expect(await stream.next()).toBeUndefined());
    await closed;
  });

  it('lets 20 pages follow, and says so to the next', async () => {
    const { url } = await startInspected(apps, { platform });
    const open = (): Promise<EventStream> => EventStream.open(`${url}/stream?view=`);
    const streams = await Promise.all(Array.from({ length: 20 }, open));

    const refused = await open();

    expect(streams.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(refused.status).toBe(503);
    for (const stream of streams) stream.close();
    await eventually(async () => {
      const again = await open();
      again.close();
      expect(again.status).toBe(200);
    });
  });

  it('tells of reads and writes only while a page follows them', async () => {
    const { cache, url } = await startInspected(apps, { platform });
    await cache.set('before', 1);
    await cache.clear();
    const stream = await EventStream.open(`${url}/stream?view=events`);
    await cache.set('meanwhile', 1);

    let text = '';
    while (!text.includes('meanwhile')) text = String((await stream.next())?.data);

    expect(text).toContain('>clear</span>');
    expect(text).not.toContain('before');
    stream.close();
  });

  it('ends a stream after 10 minutes, so that the guard is asked again', async () => {
    const { url } = await startInspected(apps, {
      platform,
      inspector: { imports: [SceneClockModule] },
    });
    const stream = await EventStream.open(`${url}/stream?view=locks`);
    expect((await stream.next())?.event).toBe('view');

    await sceneClock.advance('10m');

    await eventually(async () => expect(await stream.next()).toBeUndefined());
    expect((await EventStream.open(`${url}/stream?view=locks`)).status).toBe(200);
  });

  describe('with actions', () => {
    const tokenOf = async (page: Promise<Response>): Promise<string> =>
      /data-token="(\w{64})"/.exec(await (await page).text())?.[1] ?? '';

    it('deletes, clears and releases for a page of its own', async () => {
      const { cache, get, url } = await startInspected(apps, {
        platform,
        inspector: { actions: true },
      });
      const token = await tokenOf(get('/keys'));
      const act = async (action: string): Promise<string> => {
        const { origin } = new URL(url);
        const headers = { authorization: AUTHORIZATION, origin, 'x-hypercache-inspector': token };
        const answer = await fetch(`${url}/actions/${action}`, { method: 'POST', headers });
        return `${answer.status} ${await answer.text()}`;
      };
      await cache.mset([
        { key: 'a', value: 1 },
        { key: 'b', value: 2 },
        { key: 'c', value: 3, tags: ['c'] },
        { key: 'd', value: 4, tags: ['d'] },
      ]);
      const lock = cache.lock('report', { ttl: '1m' });
      await lock.acquire();

      await expect(act('delete?namespace=default&key=a')).resolves.toBe(
        '200 The entry a is deleted.',
      );
      await expect(act('expire-tag?namespace=default&tag=c')).resolves.toBe(
        '200 Expired: 1 entries.',
      );
      await expect(act('delete-tag?namespace=default&tag=d')).resolves.toBe(
        '200 Deleted: 1 entries.',
      );
      await expect(act('clear?namespace=default')).resolves.toMatch(/^200 .* cleared: 1 entries/);
      await expect(act('release?name=report&kind=lock')).resolves.toBe('200 report is released.');
      await expect(act('clear?namespace=no-such')).resolves.toMatch(/^503 .*no-such/);
      await expect(act('delete?namespace=default')).resolves.toMatch(/^503 .*no key/);
      await expect(act('format')).resolves.toMatch(/^404/);
      await expect(cache.mget(['a', 'b'])).resolves.toEqual([undefined, undefined]);
      await expect(cache.inspectLock('report')).resolves.toBeUndefined();
    });

    it('refuses what no page of its own has sent', async () => {
      const { cache, get, url } = await startInspected(apps, {
        platform,
        inspector: { actions: true },
      });
      await cache.set('a', 1);
      const token = await tokenOf(get('/keys'));
      const { origin } = new URL(url);
      const own = { origin, 'x-hypercache-inspector': token };
      const wrong: Record<string, string>[] = [
        {},
        { origin },
        { 'x-hypercache-inspector': token },
        { ...own, origin: 'http://evil.example' },
        { ...own, origin: 'null' },
        { ...own, 'sec-fetch-site': 'cross-site' },
        { ...own, 'x-hypercache-inspector': 'f'.repeat(64) },
      ];

      for (const headers of wrong) {
        const response = await fetch(`${url}/actions/delete?namespace=default&key=a`, {
          method: 'POST',
          headers: { authorization: AUTHORIZATION, ...headers },
        });
        expect([headers, response.status]).toEqual([headers, 403]);
      }
      await expect(cache.get('a')).resolves.toBe(1);
    });

    it('offers none without the option', async () => {
      const { cache, get, url } = await startInspected(apps, { platform });
      await cache.set('a', 1);

      const page = await (await get('/keys')).text();
      const response = await fetch(`${url}/actions/clear?namespace=default`, {
        method: 'POST',
        headers: { authorization: AUTHORIZATION, origin: new URL(url).origin },
      });

      expect(page).not.toMatch(/data-token|data-action|<button type="button" class="danger"/);
      expect(response.status).toBe(404);
      await expect(cache.get('a')).resolves.toBe(1);
    });
  });
});

describe('the inspector of a secondary', () => {
  const apps = useNestApps();
  const apiToken = SCENE_TOKEN;

  it('shows its replica, its lag, and jobs that ran elsewhere', async () => {
    const primary = await startInspected(apps, { cache: { apiToken } });
    await primary.cache.set('a', 1);
    const { origin: primaryUrl } = new URL(primary.url);
    const secondary = await startInspected(apps, {
      cache: { apiToken, primaryUrl, role: 'secondary' },
    });
    await primary.cache.runOnce('nightly', { window: '1h' }, () => undefined);
    await secondary.cache.runOnce('nightly', { window: '1h' }, () => undefined);

    await eventually(async () =>
      expect(await (await secondary.get('/keys')).text()).toContain('>a</a>'),
    );
    await expect((await secondary.get('/cluster')).text()).resolves.toMatch(/connected[^]*Lag/);
    await expect((await secondary.get('/jobs')).text()).resolves.toMatch(
      /nightly[^]*ended well[^]*skipped/,
    );
    await expect((await primary.get('/cluster')).text()).resolves.toContain('follows');
  });

  it('says why it lists nothing without a replica', async () => {
    const primary = await startInspected(apps, { cache: { apiToken } });
    const { origin: primaryUrl } = new URL(primary.url);
    const { get } = await startInspected(apps, {
      cache: { apiToken, primaryUrl, role: 'secondary', replica: 'none' },
    });

    for (const path of ['/keys', '/tags']) {
      const response = await get(path);
      expect(response.status).toBe(503);
      await expect(response.text()).resolves.toContain('does not hold the entries itself');
    }
    for (const path of ['', '/namespaces', '/locks', '/cluster', '/jobs']) {
      expect((await get(path)).status).toBe(200);
    }
  });
});

describe('the port of the inspector', () => {
  const apps = useNestApps();
  const onPort = { listen: { port: 0 }, actions: true };

  it('serves this machine, without the guards of the application', async () => {
    const { cache, inspector } = await startInspected(apps, { inspector: onPort });
    await cache.set('a', 1);

    const first = await fetch(new URL('/', inspector.url));
    const page = await fetch(`${inspector.url}/keys`);

    expect(first.url).toBe(inspector.url);
    expect(first.status).toBe(200);
    await expect(page.text()).resolves.toContain('>a</a>');
    for (const path of ['/keys/deep/down', 'x', '/assets/none.css', '/nothing']) {
      expect((await fetch(inspector.url + path)).status).toBe(404);
    }
    expect((await fetch(inspector.url ?? '', { method: 'POST' })).status).toBe(404);
  });

  it('refuses a name that leads here from elsewhere', async () => {
    const { inspector } = await startInspected(apps, { inspector: onPort });

    const status = await new Promise((resolve, reject) => {
      httpGet(inspector.url ?? '', { headers: { host: 'rebound.example' } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on('error', reject);
    });

    expect(status).toBe(403);
  });

  it('ends with the application, also while a page follows', async () => {
    const { app, inspector } = await startInspected(apps, { inspector: onPort });
    const stream = await EventStream.open(`${inspector.url}/stream?view=`);

    await app.close();

    await eventually(async () => expect(await stream.next()).toBeUndefined());
    await expect(fetch(inspector.url ?? '')).rejects.toThrow('fetch failed');
  });

  it('keeps the application from starting where it is taken', async () => {
    const { inspector } = await startInspected(apps, { inspector: onPort });
    const port = Number(new URL(inspector.url ?? '').port);

    await expect(startInspected(apps, { inspector: { listen: { port } } })).rejects.toMatchObject({
      code: 'HC_LISTEN_FAILED',
    });
  });

  it('serves an application without HTTP', async () => {
    const app = await apps.context({
      imports: [
        HyperCacheModule.forRoot({ sqlitePath: apps.directory(), logger: false }),
        HyperCacheInspectorModule.forRoot({ listen: { port: 0 } }),
      ],
    });

    const response = await fetch(app.get(HyperCacheInspector).url ?? '');

    expect(response.status).toBe(200);
  });
});

describe('the files of the inspector', () => {
  it('take less than 60 kB, the script 6 kB at most', () => {
    const sizes = Array.from(assets, ([name, { content }]) => [name, Buffer.byteLength(content)]);
    const script = Array.from(assets.values()).find(({ type }) => type.includes('javascript'));

    expect(sizes.reduce((sum, [, bytes]) => sum + Number(bytes), 0)).toBeLessThan(60_000);
    expect(Buffer.byteLength(script?.content ?? '')).toBeLessThanOrEqual(6000);
  });
});
