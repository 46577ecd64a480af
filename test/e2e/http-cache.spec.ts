import { beforeEach, describe, expect, it } from '@jest/globals';
import { CacheKey, CacheTTL } from '@nestjs/cache-manager';
import {
  Controller,
  Get,
  Header,
  HttpCode,
  Injectable,
  NotFoundException,
  Param,
  Post,
  Query,
  Redirect,
  Req,
  Res,
  Sse,
  StreamableFile,
  UseInterceptors,
  Version,
  VersioningType,
  type CallHandler,
  type ExecutionContext,
  type INestApplication,
  type ModuleMetadata,
  type NestInterceptor,
} from '@nestjs/common';
import {
  HttpCache,
  HttpCacheInterceptor,
  HttpCacheModule,
  HyperCache,
  HyperCacheModule,
} from 'nestjs-hypercache';
import { map, of, type Observable } from 'rxjs';
import { deferred } from '../support/deferred.js';
import { eventually } from '../support/eventually.js';
import { PLATFORMS, useNestApps, type RunningApp } from '../support/nest-apps.js';

/** What a handler may ask of the response of either platform. */
interface Answering {
  status(status: number): unknown;
  header(name: string, value: string): unknown;
  send(body: unknown): unknown;
}

interface Asked {
  readonly headers: Record<string, string | undefined>;
  readonly query: Record<string, string>;
}

let calls: string[] = [];
let work: (call: string) => unknown = () => undefined;

function call(name: string): unknown {
  calls.push(name);
  return work(name);
}

const scopeOf = (context: ExecutionContext): string | undefined =>
  context.switchToHttp().getRequest<Asked>().headers['x-user'];

@Controller('items')
@UseInterceptors(HttpCacheInterceptor)
@HttpCache({ ttl: '1m' })
class ItemController {
  @Get('plain')
  plain(): unknown {
    return call('plain');
  }

  @Get('plain/:id')
  async plainOf(@Param('id') id: string, @Query() query: Record<string, string>): Promise<unknown> {
    return call(`plain ${id} ${JSON.stringify(query)}`);
  }

  @Get('status')
  @HttpCode(203)
  @Header('x-static', 'yes')
  status(@Res({ passthrough: true }) response: Answering): unknown {
    response.header('x-total', '42');
    response.header('x-list', 'a, b');
    return call('status');
  }

  @Get('created')
  @HttpCache({ status: [200, 201, 404] })
  created(@Res({ passthrough: true }) response: Answering): unknown {
    response.status(201);
    response.header('x-total', '42');
    return call('created');
  }

  @Get('teapot')
  teapot(@Res({ passthrough: true }) response: Answering): unknown {
    response.status(418);
    response.header('x-tea', 'green');
    return call('teapot');
  }

  @Get('scoped')
  @HttpCache({ scope: scopeOf })
  scoped(): unknown {
    return call('scoped');
  }

  @Get('shared')
  @HttpCache({ scope: 'public' })
  shared(): unknown {
    return call('shared');
  }

  @Get('cookie')
  cookie(@Res({ passthrough: true }) response: Answering): unknown {
    response.header('set-cookie', 'session=secret');
    return call('cookie');
  }

  @Get('control')
  control(@Res({ passthrough: true }) response: Answering, @Query('is') is: string): unknown {
    response.header('cache-control', is);
    return call(`control ${is}`);
  }

  @Get('negotiated')
  negotiated(@Req() request: Asked, @Res({ passthrough: true }) response: Answering): unknown {
    response.header('vary', 'Accept-Language');
    return call(`negotiated ${request.headers['accept-language']}`);
  }

  @Get('vary')
  @HttpCache({ vary: ['X-Tenant'] })
  varied(@Req() request: Asked): unknown {
    return call(`vary ${request.headers['x-tenant']}`);
  }

  @Get('vary-other')
  varyOther(@Res({ passthrough: true }) response: Answering): unknown {
    response.header('vary', 'x-other');
    return call('vary-other');
  }

  @Get('tagged/:id')
  @HttpCache({ tags: (_context, body) => [`item:${(body as { id: string }).id}`] })
  async tagged(@Param('id') id: string): Promise<unknown> {
    await call(`tagged ${id}`);
    return { id };
  }

  @Get('by-key')
  @CacheKey('by-key')
  @CacheTTL(5000)
  byKey(): unknown {
    return call('by-key');
  }

  @Get('own-key')
  @HttpCache({ key: (context) => context.switchToHttp().getRequest<Asked>().query['k'] })
  ownKey(): unknown {
    return call('own-key');
  }

  @Get('off')
  @HttpCache(false)
  off(): unknown {
    return call('off');
  }

  @Get('of-value')
  @HttpCache({ ttl: (body) => (body as { ttl: number }).ttl })
  ofValue(): unknown {
    return call('of-value');
  }

  @Get('small')
  @HttpCache({ maxBytes: 10 })
  small(): unknown {
    return call('small');
  }

  @Get('listed')
  @HttpCache({ query: ['page'] })
  listed(): unknown {
    return call('listed');
  }

  @Get('body')
  @HttpCache({ store: 'body', tags: ['bodies'] })
  body(@Res({ passthrough: true }) response: Answering): unknown {
    response.header('x-total', '42');
    return call('body');
  }

  @Get('typed')
  @Header('content-type', 'application/vnd.items+json')
  @HttpCache({ store: 'body' })
  typed(): unknown {
    return call('typed');
  }

  @Get('moved')
  @Redirect('/elsewhere', 302)
  moved(): unknown {
    return call('moved');
  }

  @Get('stream')
  stream(): unknown {
    call('stream');
    return new StreamableFile(Buffer.from('streamed'));
  }

  @Get('several')
  several(): Observable<unknown> {
    call('several');
    return of(1, 2, 3);
  }

  @Get('by-hand')
  byHand(@Res() response: Answering): void {
    call('by-hand');
    setImmediate(() => response.send({ by: 'hand' }));
  }

  @Get('by-hand-at-once')
  byHandAtOnce(@Res({ passthrough: true }) response: Answering & { raw?: unknown }): unknown {
    call('by-hand-at-once');
    response.send('sent');
    return undefined;
  }

  @Sse('events')
  events(): Observable<unknown> {
    call('events');
    return of({ data: 1 }, { data: 2 });
  }

  @Post('plain')
  post(): unknown {
    return call('post');
  }

  @Get('twice')
  @UseInterceptors(HttpCacheInterceptor)
  twice(): unknown {
    return call('twice');
  }

  @Get('quiet')
  @HttpCache({ statusHeader: false, cacheControl: false, etag: false })
  quiet(): unknown {
    return call('quiet');
  }

  @Get('wrapped')
  @UseInterceptors()
  wrapped(): unknown {
    return call('wrapped');
  }
}

@Injectable()
class Wrapping implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      map((value: { items: unknown }) => {
        calls.push('wrapping');
        return { data: value.items };
      }),
    );
  }
}

@Controller('wrapping')
@UseInterceptors(Wrapping, HttpCacheInterceptor)
class WrappingController {
  @Get()
  wrapped(): unknown {
    return call('wrapped');
  }
}

@Controller({ path: 'versioned', version: '1' })
@UseInterceptors(HttpCacheInterceptor)
class VersionedController {
  @Get()
  one(): unknown {
    return call('version 1');
  }

  @Version('2')
  @Get()
  two(): unknown {
    return call('version 2');
  }
}

interface Got {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly cache: string | null;
  readonly told: string | null;
}

async function get(
  url: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Got> {
  const response = await fetch(url, { headers, method, redirect: 'manual' });
  return {
    status: response.status,
    headers: response.headers,
    text: await response.text(),
    cache: response.headers.get('x-cache'),
    told: response.headers.get('cache-status'),
  };
}

describe.each(PLATFORMS)('HttpCacheInterceptor on %s', (platform) => {
  const apps = useNestApps();
  let running: RunningApp;
  let url = '';
  let cache: HyperCache;
  let arrived = 0;

  /** Until so many requests have come to the server, and all have had time to wait for the same handler. */
  async function untilArrived(count: number): Promise<void> {
    await eventually(() => expect(arrived).toBeGreaterThanOrEqual(count));
    await get(`${url}/by-hand`);
    calls = calls.filter((each) => each !== 'by-hand');
  }

  async function start(
    more: ModuleMetadata = {},
    configure?: (app: INestApplication) => void,
  ): Promise<void> {
    running = await apps.listen(
      platform,
      {
        ...more,
        imports: [
          HyperCacheModule.forRoot({ sqlitePath: apps.directory() }),
          ...(more.imports ?? []),
        ],
        controllers: more.controllers ?? [ItemController],
      },
      configure,
    );
    url = `${running.url}/items`;
    cache = running.app.get(HyperCache);
    arrived = 0;
    running.app.getHttpServer().on('request', () => arrived++);
  }

  beforeEach(async () => {
    calls = [];
    work = (name) => ({ name, call: calls.length });
  });

  describe('with a controller', () => {
    beforeEach(() => start());

    it('calls the handler once for 20 requests at the same time, and says so', async () => {
      const gate = deferred<unknown>();
      work = () => gate.promise;
      const coming = Array.from({ length: 20 }, () => get(`${url}/plain`));
      await untilArrived(20);
      gate.resolve({ a: 1 });
      const all = await Promise.all(coming);

      expect(new Set(all.map(({ text }) => text))).toEqual(new Set(['{"a":1}']));
      expect(calls).toEqual(['plain']);
      const told = all.map((each) => each.told).toSorted();
      expect(told.pop()).toBe('hypercache; fwd=uri-miss; stored');
      expect(new Set(told)).toEqual(new Set(['hypercache; fwd=uri-miss; collapsed']));
    });

    it('tells a miss, a hit, its ttl and its age', async () => {
      const miss = await get(`${url}/plain`);
      const hit = await get(`${url}/plain`);

      expect(miss).toMatchObject({ cache: 'MISS', told: 'hypercache; fwd=uri-miss; stored' });
      expect(hit).toMatchObject({ status: 200, cache: 'HIT', text: miss.text });
      expect(hit.told).toMatch(/^hypercache; hit; ttl=(59|60)$/);
      expect(hit.headers.get('age')).toBe('0');
      expect(hit.headers.get('cache-control')).toMatch(/^private, max-age=(59|60)$/);
      expect(hit.headers.get('content-type')).toBe(miss.headers.get('content-type'));
      expect(calls).toHaveLength(1);
    });

    it.each<[string, unknown]>([
      ['null', null],
      ['an empty text', ''],
      ['0', 0],
      ['undefined', undefined],
      ['false', false],
      ['an empty array', []],
      ['a text', 'text'],
    ])('has a hit for %s', async (_what, body) => {
      work = () => body;
      const miss = await get(`${url}/plain`);
      const hit = await get(`${url}/plain`);

      expect([miss.cache, hit.cache]).toEqual(['MISS', 'HIT']);
      expect([hit.text, hit.status]).toEqual([miss.text, miss.status]);
      expect(hit.headers.get('content-type')).toBe(miss.headers.get('content-type'));
      expect(calls).toHaveLength(1);
    });

    it('keeps the status and the headers that the handler has set', async () => {
      for (const _ of [1, 2]) {
        const got = await get(`${url}/status`);
        expect(got.status).toBe(203);
        expect(got.headers.get('x-static')).toBe('yes');
        expect(got.headers.get('x-total')).toBe('42');
        expect(got.headers.get('x-list')).toBe('a, b');
      }
      for (const _ of [1, 2]) {
        const got = await get(`${url}/created`);
        expect([got.status, got.headers.get('x-total')]).toEqual([201, '42']);
      }
      expect(calls).toEqual(['status', 'created']);
    });

    it('keeps queries apart by what they say, not by their order', async () => {
      const all = ['?b=2&a=1', '?a=1&b=2', '?a=1&%62=2', '?a=1&b=3', '?a=2&a=1', '?a=1&a=2'];
      for (const query of all) await get(`${url}/plain/1${query}`);
      await get(`${url}/plain/2?a=1&b=2`);

      expect(calls).toHaveLength(5);
      await get(`${url}/listed?page=1&utm=a`);
      const other = await get(`${url}/listed?page=1&utm=b`);
      expect(other.cache).toBe('HIT');
    });

    it.each([
      ['Authorization', { authorization: 'Bearer a' }, { authorization: 'Bearer b' }],
      ['a cookie', { cookie: 'session=a' }, { cookie: 'session=b' }],
    ])('does not cache a request with %s', async (_what, one, other) => {
      await get(`${url}/plain`);
      const mine = await get(`${url}/plain`, one);
      const theirs = await get(`${url}/plain`, other);

      expect(calls).toHaveLength(3);
      expect(mine.text).not.toBe(theirs.text);
      for (const got of [mine, theirs]) {
        expect(got).toMatchObject({
          cache: 'BYPASS',
          told: 'hypercache; fwd=bypass; detail=credentials',
        });
        expect(got.headers.get('etag') ?? '').not.toMatch(/^W\/"[\w-]{16}"$/);
      }
    });

    it('shares what is public, credentials or not, and says that it is', async () => {
      await get(`${url}/shared`, { authorization: 'Bearer a' });
      const hit = await get(`${url}/shared`, { cookie: 'session=b' });

      expect(hit.cache).toBe('HIT');
      expect(hit.headers.get('cache-control')).toMatch(/^public, max-age=/);
    });

    it('keeps what has a scope within it', async () => {
      const ask = (user: string) =>
        get(`${url}/scoped`, { 'x-user': user, authorization: `Bearer ${user}` });
      const [ann, bob] = [await ask('ann'), await ask('bob')];
      const again = await ask('ann');

      expect(calls).toHaveLength(2);
      expect(bob.text).not.toBe(ann.text);
      expect(again).toMatchObject({ cache: 'HIT', text: ann.text });
      expect(again.headers.get('cache-control')).toMatch(/^private/);
      await expect(get(`${url}/scoped`)).resolves.toMatchObject({
        cache: 'BYPASS',
        told: 'hypercache; fwd=bypass; detail=scope',
      });
    });

    it('answers 304 to a client that has it, with what belongs to it, and no body', async () => {
      for (const path of ['plain', 'body', 'vary']) {
        const first = await get(`${url}/${path}`);
        const etag = first.headers.get('etag') ?? '';
        expect(etag).toMatch(/^W\/"[\w-]{16}"$/);
        for (const header of [etag, `"other", ${etag}`, '*', etag.slice(2)]) {
          const got = await get(`${url}/${path}`, { 'if-none-match': header });
          expect([got.status, got.text]).toEqual([304, '']);
          expect(got.headers.get('etag')).toBe(etag);
          expect(got.headers.get('cache-control')).toMatch(/^private, max-age=/);
          expect(got.headers.get('vary')).toBe(path === 'vary' ? 'x-tenant' : null);
        }
        const other = await get(`${url}/${path}`, { 'if-none-match': '"other"' });
        expect([other.status, other.text]).toEqual([200, first.text]);
      }
    });

    it('answers 304 also where it has only now found out', async () => {
      work = () => ({ same: true });
      const { headers } = await get(`${url}/plain`);
      await cache.clear();
      const etag = headers.get('etag') ?? '';
      const got = await get(`${url}/plain`, { 'if-none-match': etag });

      expect(got).toMatchObject({ status: 304, cache: 'MISS', text: '' });
      expect(calls).toHaveLength(2);
    });

    it('stores no error, and hands it to all who wait', async () => {
      const gate = deferred<unknown>();
      work = () => gate.promise;
      const coming = Array.from({ length: 5 }, () => get(`${url}/plain`));
      await untilArrived(5);
      gate.reject(new NotFoundException('none'));
      const all = await Promise.all(coming);

      expect(all.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404]);
      expect(calls).toHaveLength(1);
      work = () => Promise.reject(new TypeError('broken'));
      expect((await get(`${url}/plain`)).status).toBe(500);
      expect((await get(`${url}/plain`)).status).toBe(500);
      expect(calls).toHaveLength(3);
    });

    it('hands a status that is not stored to all who wait, with its headers', async () => {
      const gate = deferred<unknown>();
      work = () => gate.promise;
      const coming = Array.from({ length: 5 }, () => get(`${url}/teapot`));
      await untilArrived(5);
      gate.resolve({ tea: 1 });
      for (const got of await Promise.all(coming)) {
        expect(got).toMatchObject({ status: 418, text: '{"tea":1}', cache: 'MISS' });
        expect(got.headers.get('x-tea')).toBe('green');
        expect(got.told).toContain('detail=status');
      }
      expect(calls.filter((each) => each === 'teapot')).toHaveLength(1);
      await get(`${url}/teapot`);
      expect(calls.filter((each) => each === 'teapot')).toHaveLength(2);
    });

    it('never stores or shares Set-Cookie', async () => {
      const all = await Promise.all([1, 2, 3].map(() => get(`${url}/cookie`)));

      expect(calls).toHaveLength(3);
      for (const got of all) {
        expect(got.headers.get('set-cookie')).toBe('session=secret');
        expect(got.told).toBe('hypercache; fwd=uri-miss; detail=set-cookie');
      }
      await expect(cache.clear()).resolves.toBe(0);
    });

    it.each([
      ['no-store', false],
      ['private', false],
      ['No-Cache="x"', false],
      ['max-age=5', true],
      ['public, s-maxage=5', true],
    ])('follows a Cache-Control of the handler: %s', async (is, isStored) => {
      await get(`${url}/control?is=${encodeURIComponent(is)}`);
      const again = await get(`${url}/control?is=${encodeURIComponent(is)}`);

      expect(again.cache).toBe(isStored ? 'HIT' : 'MISS');
      expect(again.headers.get('cache-control')).toBe(is);
      expect(calls).toHaveLength(isStored ? 1 : 2);
    });

    it('makes the headers of `vary` part of the key', async () => {
      for (const tenant of ['a', 'b', 'a']) await get(`${url}/vary`, { 'x-tenant': tenant });
      const none = await get(`${url}/vary`);

      expect(calls).toEqual(['vary a', 'vary b', 'vary undefined']);
      expect(none.headers.get('vary')).toBe('x-tenant');
      await get(`${url}/vary`, { 'x-tenant': '' });
      expect(calls).toHaveLength(4);
    });

    it('learns from a handler that negotiates, and never mixes languages up', async () => {
      const ask = (language: string) => get(`${url}/negotiated`, { 'accept-language': language });
      const first = await ask('de');
      for (const language of ['en', 'de', 'en', 'de']) await ask(language);

      expect(first.told).toBe('hypercache; fwd=uri-miss; detail=vary');
      expect(calls).toEqual(['negotiated de', 'negotiated en', 'negotiated de']);
      const hit = await ask('en');
      expect(hit.text).toContain('negotiated en');
      expect(hit.headers.get('vary')?.toLowerCase()).toContain('accept-language');
      await get(`${url}/vary-other`);
      await get(`${url}/vary-other`);
      expect(calls.filter((each) => each === 'vary-other')).toHaveLength(2);
    });

    it('forgets by tags that follow from the body, also while the handler runs', async () => {
      await get(`${url}/tagged/1`);
      await get(`${url}/tagged/2`);
      await expect(cache.delByTag('item:1')).resolves.toBe(1);
      await get(`${url}/tagged/1`);
      await get(`${url}/tagged/2`);
      expect(calls).toEqual(['tagged 1', 'tagged 2', 'tagged 1']);

      const gate = deferred<unknown>();
      work = () => gate.promise;
      const coming = get(`${url}/tagged/3`);
      await eventually(() => expect(calls).toHaveLength(4));
      await cache.delByTag('item:3');
      gate.resolve(undefined);
      expect((await coming).told).toBe('hypercache; fwd=uri-miss; detail=changed-meanwhile');
      expect((await get(`${url}/tagged/3`)).cache).toBe('MISS');
      expect(calls).toHaveLength(5);
    });

    it('takes @CacheKey and @CacheTTL, and keys of its own', async () => {
      await get(`${url}/by-key`);
      const hit = await get(`${url}/by-key?other=1`);
      expect(hit.cache).toBe('HIT');
      await expect(cache.del('by-key')).resolves.toBe(true);

      for (const query of ['?k=a', '?k=a&x=1', '?k=b']) await get(`${url}/own-key${query}`);
      const none = await get(`${url}/own-key`);
      expect(calls).toEqual(['by-key', 'own-key', 'own-key', 'own-key']);
      expect(none.told).toBe('hypercache; fwd=bypass; detail=key');
    });

    it('serves what the application has stored under a key of its own', async () => {
      await cache.set('by-key', { warmed: true });

      await expect(get(`${url}/by-key`)).resolves.toMatchObject({
        text: '{"warmed":true}',
        cache: 'HIT',
      });
      expect(calls).toEqual([]);
    });

    it('answers without the cache where a key is not acceptable', async () => {
      for (const _ of [1, 2]) {
        const got = await get(`${url}/own-key?k=${'x'.repeat(2000)}`);
        expect(got).toMatchObject({
          status: 200,
          told: 'hypercache; fwd=uri-miss; detail=HC_KEY_INVALID',
        });
      }
      expect(calls).toHaveLength(2);
    });

    it('lets the ttl follow from the body', async () => {
      work = () => ({ ttl: 5000 });
      await get(`${url}/of-value`);
      expect((await get(`${url}/of-value`)).told).toMatch(/ttl=[45]$/);
    });

    it('answers what is too large, and does not store it', async () => {
      work = () => 'x'.repeat(2 * 1024 * 1024);
      for (const path of ['small', 'plain']) {
        const got = await get(`${url}/${path}`);
        expect(got.text).toHaveLength(2 * 1024 * 1024);
        expect(got.told).toBe('hypercache; fwd=uri-miss; detail=too-large');
      }
      await expect(cache.clear()).resolves.toBe(0);
    });

    it('answers a HEAD from the entry of GET, and stores nothing of one', async () => {
      const first = await get(`${url}/plain`, {}, 'HEAD');
      await get(`${url}/plain`);
      const head = await get(`${url}/plain`, {}, 'HEAD');

      expect([first.cache, first.told]).toEqual(['MISS', 'hypercache; fwd=uri-miss; detail=head']);
      expect(head).toMatchObject({ status: 200, text: '', cache: 'HIT' });
      expect(head.headers.get('etag')).toMatch(/^W/);
      expect(calls).toHaveLength(2);
      await get(`${url}/body`);
      const ofBytes = await get(`${url}/body`, {}, 'HEAD');
      expect(ofBytes).toMatchObject({ status: 200, text: '', cache: 'HIT' });
      expect(ofBytes.headers.get('x-total')).toBe('42');
    });

    it.each(['stream', 'several', 'by-hand', 'by-hand-at-once', 'events', 'off'])(
      'leaves %s as it is',
      async (path) => {
        const first = await get(`${url}/${path}`);
        const second = await get(`${url}/${path}`);

        expect(first.status).toBe(200);
        expect(second.status).toBe(200);
        expect(calls).toEqual([path, path]);
        const texts: Record<string, string> = {
          stream: 'streamed',
          several: '3',
          'by-hand': '{"by":"hand"}',
          'by-hand-at-once': 'sent',
        };
        if (texts[path] !== undefined) expect(second.text).toBe(texts[path]);
        if (path === 'events') expect(second.text).toContain('data: 2');
        await expect(cache.clear()).resolves.toBe(0);
      },
    );

    it('leaves other methods alone', async () => {
      await get(`${url}/plain`, {}, 'POST');
      await get(`${url}/plain`, {}, 'POST');

      expect(calls).toEqual(['post', 'post']);
    });

    it('caches the model of a redirect, not the redirect', async () => {
      work = (name) => ({ name, url: '/there', statusCode: 301 });
      for (const _ of [1, 2]) {
        const got = await get(`${url}/moved`, { 'if-none-match': '*' });
        expect(got.status).toBe(301);
        expect(got.headers.get('location')).toBe('/there');
      }
      expect(calls).toEqual(['moved']);
    });

    it('applied twice works once', async () => {
      const first = await get(`${url}/twice`);
      expect(first.told).toBe('hypercache; fwd=uri-miss; stored');
      await expect(get(`${url}/twice`)).resolves.toMatchObject({ cache: 'HIT' });
    });

    it('says nothing where it shall not', async () => {
      await get(`${url}/quiet`);
      const { headers, cache: told } = await get(`${url}/quiet`);

      expect([told, headers.get('cache-status'), headers.get('cache-control')]).toEqual([
        null,
        null,
        null,
      ]);
      expect(calls).toHaveLength(1);
    });

    it('sends stored bytes as they are', async () => {
      work = () => ({ text: 'é😀', list: [1, null, { a: 'b' }] });
      const first = await get(`${url}/body`);
      const hit = await get(`${url}/body`);
      const typed = [await get(`${url}/typed`), await get(`${url}/typed`)];

      expect(hit).toMatchObject({ status: 200, cache: 'HIT', text: first.text });
      expect(JSON.parse(hit.text)).toEqual(work(''));
      for (const name of ['content-type', 'content-length', 'x-total', 'etag']) {
        expect(hit.headers.get(name)).toBe(first.headers.get(name));
      }
      expect(hit.headers.get('content-type')).toBe('application/json; charset=utf-8');
      for (const got of typed) {
        expect(got.headers.get('content-type')).toMatch(/^application\/vnd\.items\+json/);
        expect(JSON.parse(got.text)).toEqual(work(''));
      }
      await expect(cache.delByTag('bodies')).resolves.toBe(1);
      work = () => 'a text';
      const text = [await get(`${url}/body`), await get(`${url}/body`)];
      expect(text.map((each) => each.text)).toEqual(['a text', 'a text']);
      expect(text[1]?.headers.get('content-type')).toBe(text[0]?.headers.get('content-type'));
    });

    it('goes on when the client leaves, and keeps what is made', async () => {
      const gate = deferred<unknown>();
      work = () => gate.promise;
      const controller = new AbortController();
      const gone = fetch(`${url}/plain`, { signal: controller.signal });
      await eventually(() => expect(calls).toHaveLength(1));
      const waiting = get(`${url}/plain`);
      controller.abort();
      await expect(gone).rejects.toThrow();
      gate.resolve({ late: true });

      await expect(waiting).resolves.toMatchObject({ text: '{"late":true}' });
      await expect(get(`${url}/plain`)).resolves.toMatchObject({ cache: 'HIT' });
      expect(calls).toHaveLength(1);
    });

    it('answers when the cache is closed', async () => {
      work = () => ({ open: true });
      const { app } = running;
      const node = app.get(HyperCache);
      await node.set('a', 1);
      await get(`${url}/plain`);
      await expect(get(`${url}/plain`)).resolves.toMatchObject({ cache: 'HIT' });
    });
  });

  it('lets outer interceptors see the value each time, on a 304 too', async () => {
    await start({ controllers: [WrappingController] });
    work = () => ({ items: [1, 2] });
    const path = `${running.url}/wrapping`;
    const first = await get(path);
    const second = await get(path);
    const third = await get(path, { 'if-none-match': first.headers.get('etag') ?? '' });

    expect([first.text, second.text]).toEqual(['{"data":[1,2]}', '{"data":[1,2]}']);
    expect([third.status, third.text]).toEqual([304, '']);
    expect(calls).toEqual(['wrapped', 'wrapping', 'wrapping', 'wrapping']);
  });

  it('keeps versions apart', async () => {
    await start({ controllers: [VersionedController] }, (app) => {
      app.enableVersioning({ type: VersioningType.HEADER, header: 'x-version' });
    });
    for (const version of ['1', '2', '1', '2']) {
      const got = await get(`${running.url}/versioned`, { 'x-version': version });
      expect(got.text).toContain(`version ${version}`);
    }
    expect(calls).toEqual(['version 1', 'version 2']);
  });

  it('caches all routes below a global prefix by HttpCacheModule, but those that say no', async () => {
    @Controller('free')
    class FreeController {
      @Get()
      free(): unknown {
        return call('free');
      }

      @Get('off')
      @HttpCache(false)
      off(): unknown {
        return call('off');
      }

      @Get('long')
      @HttpCache({ ttl: '1h' })
      long(): unknown {
        return call('long');
      }
    }
    await start(
      {
        imports: [HttpCacheModule.forRoot({ ttl: '30s', statusHeader: 'cache-status' })],
        controllers: [FreeController, ItemController],
      },
      (app) => void app.setGlobalPrefix('api'),
    );
    const free = `${running.url}/api/free`;
    await get(free);
    const hit = await get(free);
    expect(hit.told).toMatch(/^hypercache; hit; ttl=(29|30)$/);
    expect(hit.cache).toBeNull();
    await get(`${free}/long`);
    expect((await get(`${free}/long`)).told).toMatch(/ttl=(3599|3600)$/);
    await get(`${free}/off`);
    await get(`${free}/off`);
    await get(`${running.url}/api/items/plain`);
    expect((await get(`${running.url}/api/items/plain`)).told).toMatch(/ttl=(59|60)$/);
    expect(calls).toEqual(['free', 'long', 'off', 'off', 'plain']);
    await expect(cache.delByPrefix('http:GET:/api/free')).resolves.toBe(2);
  });

  it('leaves the HTTP API of HyperCache alone', async () => {
    const token = 'a1b2c3d4e5f60718293a4b5c6d7e8f90fedc';
    const { url: base } = await apps.listen(platform, {
      imports: [
        HyperCacheModule.forRoot({ sqlitePath: apps.directory(), apiToken: [token] }),
        HttpCacheModule.forRoot({ scope: 'public' }),
      ],
    });
    const headers = { 'x-hypercache-token': token };
    const stored = await fetch(`${base}/api/hypercache/cache/a`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ value: 1 }),
    });
    expect(stored.ok).toBe(true);
    for (const path of ['ping', 'stats', 'cache/a', 'ping']) {
      const got = await get(`${base}/api/hypercache/${path}`, headers);
      expect([got.status, got.cache, got.told]).toEqual([200, null, null]);
    }
  });

  it('lets no application start without HyperCacheModule', async () => {
    const starting = apps.listen(platform, { controllers: [ItemController] });

    await expect(starting).rejects.toThrow(
      /import HyperCacheModule\.forRoot\(\) in the root module/,
    );
  });
});

describe('@HttpCache when a class is loaded', () => {
  it.each<[string, unknown]>([
    ['no option', { tll: 5 }],
    ['`key`', { key: 'a' }],
    ['`vary`', { vary: 'accept' }],
    ['`scope`', { scope: 'private' }],
    ['`query`', { query: true }],
    ['`tags`', { tags: 'a' }],
    ['`status`', { status: [0] }],
    ['`status`', { status: 200 }],
    ['`maxBytes`', { maxBytes: -1 }],
    ['`maxKeys`', { maxKeys: 0.5 }],
    ['`store`', { store: 'bytes' }],
    ['`etag`', { etag: 'strong' }],
    ['`cacheControl`', { cacheControl: 'a\r\nb: c' }],
    ['`statusHeader`', { statusHeader: 'x' }],
    ['no object', undefined],
  ])('tells of %s: %j', (problem, options) => {
    for (const load of [HttpCache, HttpCacheModule.forRoot] as ((given: object) => unknown)[]) {
      if (options === undefined && load !== HttpCache) continue;
      expect(() => load(options as object)).toThrow(
        expect.objectContaining({
          code: 'HC_ARGUMENT_INVALID',
          message: expect.stringContaining(problem),
        }),
      );
    }
  });

  it.each([-1, Number.NaN, '5', true, {}])('refuses a ttl of %p', (ttl) => {
    expect(() => HttpCache({ ttl: ttl as never })).toThrow(
      expect.objectContaining({ code: 'HC_TTL_INVALID' }),
    );
  });
});
