import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  HttpCode,
  NotFoundException,
  Res,
  ServiceUnavailableException,
  UseInterceptors,
} from '@nestjs/common';
import { HttpCache, HttpCacheInterceptor, HyperCache, HyperCacheModule } from 'nestjs-hypercache';
import { deferred } from '../support/deferred.js';
import { eventually } from '../support/eventually.js';
import { PLATFORMS, useNestApps } from '../support/nest-apps.js';

interface Answering {
  status(status: number): unknown;
  header(name: string, value: string): unknown;
  send(body: unknown): unknown;
  readonly raw?: Answering;
  setHeader?(name: string, value: string): unknown;
}

let calls = 0;
let work: (response: Answering) => unknown = () => undefined;

function answer(response: Answering): unknown {
  calls++;
  response.header('x-call', String(calls));
  response.header('x-same', 'same');
  return work(response);
}

@Controller('stale')
@UseInterceptors(HttpCacheInterceptor)
class StaleController {
  @Get('swr')
  @HttpCode(203)
  @HttpCache({ ttl: '1m', stale: '1m', retryAfter: 0 })
  swr(@Res({ passthrough: true }) response: Answering): unknown {
    return answer(response);
  }

  @Get('bytes')
  @HttpCache({ ttl: '1m', stale: '1m', store: 'body' })
  bytes(@Res({ passthrough: true }) response: Answering): unknown {
    return answer(response);
  }

  @Get('grace')
  @HttpCache({ ttl: '1m', grace: '1h', retryAfter: 0 })
  grace(@Res({ passthrough: true }) response: Answering): unknown {
    return answer(response);
  }

  @Get('soft')
  @HttpCache({ ttl: '1m', grace: '1h', softTimeout: 20 })
  soft(@Res({ passthrough: true }) response: Answering): unknown {
    return answer(response);
  }

  @Get('asked')
  @HttpCache({ ttl: '1m', respectRequest: true })
  asked(@Res({ passthrough: true }) response: Answering): unknown {
    return answer(response);
  }

  @Get('unasked')
  @HttpCache({ ttl: '1m' })
  unasked(@Res({ passthrough: true }) response: Answering): unknown {
    return answer(response);
  }
}

describe.each(PLATFORMS)('HttpCacheInterceptor on %s, with what is stale', (platform) => {
  const apps = useNestApps();
  let url = '';
  let cache: HyperCache;

  beforeEach(async () => {
    calls = 0;
    work = () => ({ calls });
    const running = await apps.listen(platform, {
      imports: [HyperCacheModule.forRoot({ sqlitePath: apps.directory() })],
      controllers: [StaleController],
    });
    url = `${running.url}/stale`;
    cache = running.app.get(HyperCache);
  });

  async function get(path: string, headers: Record<string, string> = {}) {
    const response = await fetch(`${url}/${path}`, { headers });
    const text = await response.text();
    return {
      status: response.status,
      body: text === '' ? undefined : (JSON.parse(text) as unknown),
      told: response.headers.get('cache-status'),
      cache: response.headers.get('x-cache'),
      call: response.headers.get('x-call'),
      headers: response.headers,
    };
  }

  it.each([
    ['swr', 203],
    ['bytes', 200],
  ])('%s: answers at once, and refreshes behind the answer', async (path, status) => {
    const first = await get(path);
    expect(first.headers.get('cache-control')).toMatch(/stale-while-revalidate=60$/);
    await cache.expireByPrefix('http:GET:');
    const gate = deferred<unknown>();
    work = () => gate.promise;
    const stale = await get(path);
    const again = await get(path);

    for (const got of [stale, again]) {
      expect(got).toMatchObject({ status, body: { calls: 1 }, cache: 'STALE', call: '1' });
      expect(got.told).toMatch(/^hypercache; hit; ttl=-?\d+$/);
      expect(got.headers.get('cache-control')).toMatch(/max-age=0/);
    }
    await eventually(() => expect(calls).toBe(2));
    gate.resolve({ calls: 'new' });
    await eventually(async () => {
      const fresh = await get(path);
      expect(fresh).toMatchObject({ status, body: { calls: 'new' }, cache: 'HIT', call: '2' });
      expect(fresh.headers.get('x-same')).toBe('same');
    });
    expect(calls).toBe(2);
  });

  it('refreshes behind a 304, too', async () => {
    const first = await get('swr');
    // 304 is for 200 alone.
    expect(first.status).toBe(203);
    const bytes = await get('bytes');
    await cache.expireByPrefix('http:GET:');
    work = () => ({ calls: 'new' });
    const etag = bytes.headers.get('etag') ?? '';
    await expect(get('bytes', { 'if-none-match': etag })).resolves.toMatchObject({ status: 304 });
    await eventually(async () => {
      await expect(get('bytes')).resolves.toMatchObject({ status: 200, body: { calls: 'new' } });
    });
  });

  it.each<[string, (response: Answering) => unknown]>([
    ['throws', () => Promise.reject(new TypeError('broken'))],
    ['answers by hand', (response) => void response.send('by hand')],
    [
      'sets headers of the raw response',
      (response) => {
        const raw = (response.raw ?? response) as Required<Answering>;
        raw.setHeader('x-raw', 'raw');
        raw.setHeader('set-cookie', 'a=b');
        return {};
      },
    ],
  ])('outlives a handler that, behind an answer, %s', async (_what, does) => {
    await get('swr');
    await cache.expireByPrefix('http:GET:');
    work = does;
    await get('swr');
    await eventually(() => expect(calls).toBe(2));
    work = () => ({ calls: 'new' });

    await eventually(async () => {
      const fresh = await get('swr');
      expect(fresh).toMatchObject({ body: { calls: 'new' } });
      expect(fresh.headers.get('set-cookie')).toBeNull();
    });
  });

  it.each<[string, number, (response: Answering) => unknown]>([
    ['throws', 500, () => Promise.reject(new TypeError('broken'))],
    ['throws 503', 503, () => Promise.reject(new ServiceUnavailableException())],
    [
      'answers 503',
      503,
      (response) => {
        response.status(503);
        response.header('x-fault', 'yes');
        response.header('set-cookie', 'a=b');
        return { failed: true };
      },
    ],
  ])('serves what is in grace for a handler that %s', async (_what, status, does) => {
    const first = await get('grace');
    expect(first.headers.get('cache-control')).toMatch(/stale-if-error=3600$/);
    await cache.expireByPrefix('http:GET:');
    work = does;
    const stale = await get('grace');

    expect(stale).toMatchObject({
      status: 200,
      body: { calls: 1 },
      cache: 'STALE',
      told: `hypercache; fwd=stale; fwd-status=${status}`,
      call: '1',
    });
    expect(stale.headers.get('x-fault')).toBeNull();
    expect(stale.headers.get('set-cookie')).toBeNull();
    work = () => ({ healed: true });
    await expect(get('grace')).resolves.toMatchObject({ status: 200, body: { healed: true } });
  });

  it.each<[string, (response: Answering) => unknown]>([
    ['throws 404', () => Promise.reject(new NotFoundException())],
    [
      'answers 404',
      (response) => {
        response.status(404);
        return { none: true };
      },
    ],
  ])('serves no grace for a handler that %s', async (_what, does) => {
    await get('grace');
    await cache.expireByPrefix('http:GET:');
    work = does;

    await expect(get('grace')).resolves.toMatchObject({ status: 404 });
  });

  it('does not wait for a handler that is late, and keeps what it makes', async () => {
    await get('soft');
    await cache.expireByPrefix('http:GET:');
    const gate = deferred<unknown>();
    let late: Answering | undefined;
    work = async (response) => {
      late = response;
      const made = await gate.promise;
      late.header('x-late', 'late');
      return made;
    };
    const stale = await get('soft');
    expect(stale).toMatchObject({
      body: { calls: 1 },
      told: 'hypercache; fwd=stale; detail=timeout',
      call: '1',
    });
    gate.resolve({ late: true });

    await eventually(async () => {
      const fresh = await get('soft');
      expect(fresh).toMatchObject({ body: { late: true }, cache: 'HIT' });
      expect(fresh.headers.get('x-late')).toBe('late');
    });
  });

  it('follows no-cache and no-store of a request only where it is told to', async () => {
    await get('asked');
    for (const headers of [{ 'cache-control': 'max-age=0, No-Cache' }, { pragma: 'no-cache' }]) {
      await expect(get('asked', headers)).resolves.toMatchObject({ cache: 'MISS' });
    }
    await expect(get('asked')).resolves.toMatchObject({ cache: 'HIT', body: { calls: 3 } });
    await expect(get('asked', { 'cache-control': 'no-store' })).resolves.toMatchObject({
      told: 'hypercache; fwd=bypass; detail=request',
    });
    await get('unasked');
    for (const directive of ['no-cache', 'no-store']) {
      const got = await get('unasked', { 'cache-control': directive });
      expect(got.cache).toBe('HIT');
    }
    expect(calls).toBe(5);
  });
});
