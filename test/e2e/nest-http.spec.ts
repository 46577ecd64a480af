import { beforeEach, describe, expect, it } from '@jest/globals';
import { Cache, CACHE_MANAGER, CacheInterceptor, CacheKey, CacheTTL } from '@nestjs/cache-manager';
import {
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  Param,
  Post,
  UseInterceptors,
  type ModuleMetadata,
} from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import { HyperCacheModule } from '../../lib/nest/hyper-cache.module.js';
import { advanceDate, useFrozenDate } from '../support/frozen-date.js';
import { PLATFORMS, useNestApps, type Platform, type RunningApp } from '../support/nest-apps.js';

/** How often each handler ran; the cache is what keeps it low. */
let calls: Record<string, number> = {};

function call(handler: string): { handler: string; call: number } {
  calls[handler] = (calls[handler] ?? 0) + 1;
  return { handler, call: calls[handler] };
}

@Controller('products')
@UseInterceptors(CacheInterceptor)
class ProductController {
  constructor(
    @Inject(CACHE_MANAGER) private readonly manager: Cache,
    private readonly cache: Cache,
    private readonly hyperCache: HyperCache,
  ) {}

  @Get('featured')
  @CacheKey('featured')
  @CacheTTL(60_000)
  featured(): object {
    return call('featured');
  }

  @Get('by-function')
  @CacheKey(() => 'key of a function')
  // Nest hands on what it is given; its type knows numbers only.
  @CacheTTL(() => '5s' as unknown as number)
  byFunction(): object {
    return call('by-function');
  }

  @Get('uncached')
  @CacheKey(() => undefined as unknown as string)
  uncached(): object {
    return call('uncached');
  }

  @Get('text')
  text(): string {
    return `text ${call('text').call}`;
  }

  @Get(':id')
  product(@Param('id') id: string): object {
    return call(`product ${id}`);
  }

  @Post(':id')
  @HttpCode(200)
  edit(@Param('id') id: string): object {
    return call(`edit ${id}`);
  }

  @Delete('featured')
  async forget(): Promise<object> {
    await this.manager.del('featured');
    return { isOneObject: this.cache === this.manager, revision: await this.revision() };
  }

  private async revision(): Promise<number> {
    return (await this.hyperCache.getWithRevision('featured')).revision;
  }
}

interface Answer {
  readonly cache: string | null;
  readonly body: unknown;
}

async function send(url: string, method = 'GET'): Promise<Answer> {
  const response = await fetch(url, { method });
  expect(response.status).toBe(200);
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  return { cache: response.headers.get('x-cache'), body: isJson ? JSON.parse(text) : text };
}

const miss = (handler: string, count: number): Answer => ({
  cache: 'MISS',
  body: { handler, call: count },
});
const hit = (handler: string, count: number): Answer => ({
  cache: 'HIT',
  body: { handler, call: count },
});

describe.each(PLATFORMS)('CacheInterceptor on %s', (platform: Platform) => {
  useFrozenDate();
  const apps = useNestApps();
  let directory = '';
  beforeEach(() => {
    calls = {};
    directory = apps.directory();
  });

  const metadata = (): ModuleMetadata => ({
    imports: [HyperCacheModule.forRoot({ sqlitePath: directory })],
    controllers: [ProductController],
  });
  const start = (): Promise<RunningApp> => apps.listen(platform, metadata());

  it('answers the second request from the cache, without the handler', async () => {
    const { url } = await start();

    await expect(send(`${url}/products/1`)).resolves.toEqual(miss('product 1', 1));
    await expect(send(`${url}/products/1`)).resolves.toEqual(hit('product 1', 1));

    expect(calls).toEqual({ 'product 1': 1 });
  });

  it('caches texts as well as objects', async () => {
    const { url } = await start();

    await expect(send(`${url}/products/text`)).resolves.toEqual({ cache: 'MISS', body: 'text 1' });
    await expect(send(`${url}/products/text`)).resolves.toEqual({ cache: 'HIT', body: 'text 1' });
  });

  it('keeps paths and queries apart', async () => {
    const { url } = await start();

    await send(`${url}/products/1`);

    await expect(send(`${url}/products/2`)).resolves.toEqual(miss('product 2', 1));
    await expect(send(`${url}/products/1?page=2`)).resolves.toEqual(miss('product 1', 2));
    await expect(send(`${url}/products/1`)).resolves.toEqual(hit('product 1', 1));
    await expect(send(`${url}/products/1?page=2`)).resolves.toEqual(hit('product 1', 2));
  });

  it('leaves everything but GET alone', async () => {
    const { url } = await start();

    await send(`${url}/products/1`, 'POST');
    await send(`${url}/products/1`, 'POST');

    expect(calls).toEqual({ 'edit 1': 2 });
  });

  it('stores under @CacheKey for @CacheTTL', async () => {
    const { app, url } = await start();
    const manager = app.get<Cache>(CACHE_MANAGER);

    await send(`${url}/products/featured`);

    await expect(manager.get('featured')).resolves.toEqual({ handler: 'featured', call: 1 });
    await expect(manager.ttl('featured')).resolves.toBe(Date.now() + 60_000);
    await advanceDate(59_999);
    await expect(send(`${url}/products/featured`)).resolves.toEqual(hit('featured', 1));
    await advanceDate(2);
    await expect(send(`${url}/products/featured`)).resolves.toEqual(miss('featured', 2));
  });

  it('takes functions for key and ttl', async () => {
    const { app, url } = await start();
    const manager = app.get<Cache>(CACHE_MANAGER);

    await send(`${url}/products/by-function`);

    await expect(manager.ttl('key of a function')).resolves.toBe(Date.now() + 5000);
    await expect(send(`${url}/products/by-function`)).resolves.toEqual(hit('by-function', 1));
  });

  it('does not cache where the key is undefined', async () => {
    const { url } = await start();

    await send(`${url}/products/uncached`);
    await send(`${url}/products/uncached`);

    expect(calls).toEqual({ uncached: 2 });
  });

  it('serves a URL that is too long for a key, uncached', async () => {
    const { url } = await start();
    const long = `${url}/products/1?q=${'x'.repeat(1100)}`;

    await send(long);

    await expect(send(long)).resolves.toMatchObject({ body: { call: 2 } });
  });

  it('follows the default ttl where there is no @CacheTTL', async () => {
    const { url } = await apps.listen(platform, {
      imports: [HyperCacheModule.forRoot({ sqlitePath: directory, ttl: 1000 })],
      controllers: [ProductController],
    });
    await send(`${url}/products/1`);
    await advanceDate(1001);

    await expect(send(`${url}/products/1`)).resolves.toEqual(miss('product 1', 2));
  });

  it('misses again what a controller deletes through CACHE_MANAGER', async () => {
    const { url } = await start();
    await send(`${url}/products/featured`);

    await expect(send(`${url}/products/featured`, 'DELETE')).resolves.toMatchObject({
      body: { isOneObject: true, revision: 0 },
    });

    await expect(send(`${url}/products/featured`)).resolves.toEqual(miss('featured', 2));
  });

  it('works as a global interceptor', async () => {
    @Controller('plain')
    class PlainController {
      @Get()
      plain(): object {
        return call('plain');
      }
    }
    const { url } = await apps.listen(platform, {
      imports: [HyperCacheModule.forRoot({ sqlitePath: directory })],
      controllers: [PlainController],
      providers: [{ provide: APP_INTERCEPTOR, useClass: CacheInterceptor }],
    });

    await send(`${url}/plain`);

    await expect(send(`${url}/plain`)).resolves.toEqual(hit('plain', 1));
  });

  it('answers from the cache after a restart', async () => {
    const before = await start();
    await send(`${before.url}/products/1`);
    await before.app.close();

    const after = await start();

    await expect(send(`${after.url}/products/1`)).resolves.toEqual(hit('product 1', 1));
    expect(calls).toEqual({ 'product 1': 1 });
  });
});
