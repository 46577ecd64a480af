import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  ClassSerializerInterceptor,
  Controller,
  Get,
  Injectable,
  Query,
  Req,
  Res,
  UseGuards,
  UseInterceptors,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
  type Type,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { HttpCache, HttpCacheInterceptor, HyperCache, HyperCacheModule } from 'nestjs-hypercache';
import type { IncomingMessage } from 'node:http';
import { KeyBound } from '../../lib/nest/http-cache/key-bound.js';
import { deferred } from '../support/deferred.js';
import { eventually } from '../support/eventually.js';
import { PLATFORMS, useNestApps } from '../support/nest-apps.js';

interface Answering {
  header(name: string, value: string): unknown;
  raw?: { destroy(): void };
  destroy?(): void;
}

interface Asked extends IncomingMessage {
  user?: { id: string };
}

let calls = 0;
let work: () => unknown = () => undefined;

@Injectable()
class UserGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<Asked>();
    const id = request.headers['x-user'];
    if (typeof id === 'string') request.user = { id };
    return request.headers['x-user'] !== 'banned';
  }
}

class Account {
  constructor(
    readonly name: string,
    readonly password: string,
  ) {}
}

/** What class-transformer does with `@Exclude()` on `password`. */
const transformer = {
  instanceToPlain: (value: unknown) => (value instanceof Account ? { name: value.name } : value),
  classToPlain: (value: unknown) => (value instanceof Account ? { name: value.name } : value),
  plainToInstance: (_type: unknown, value: unknown) => value,
  plainToClass: (_type: unknown, value: unknown) => value,
} as never;
const serializer = new ClassSerializerInterceptor(new Reflector(), {
  transformerPackage: transformer,
} as never);

@Controller('hostile')
@UseGuards(UserGuard)
@UseInterceptors(HttpCacheInterceptor)
@HttpCache({ ttl: '1m' })
class HostileController {
  @Get('mine')
  mine(@Req() request: Asked): unknown {
    calls++;
    return { user: request.user?.id ?? 'nobody' };
  }

  @Get('scoped')
  @HttpCache({ scope: (context) => context.switchToHttp().getRequest<Asked>().user?.id })
  scoped(@Req() request: Asked): unknown {
    calls++;
    return { user: request.user?.id };
  }

  @Get('two-headers')
  @HttpCache({ vary: ['x-a', 'x-b'] })
  twoHeaders(@Req() request: Asked): unknown {
    calls++;
    return [request.headers['x-a'] ?? null, request.headers['x-b'] ?? null];
  }

  @Get('key-and-scope')
  @HttpCache({
    key: (context) => context.switchToHttp().getRequest<{ query: { k: string } }>().query.k,
    scope: (context) => context.switchToHttp().getRequest<Asked>().user?.id,
  })
  keyAndScope(@Req() request: Asked): unknown {
    calls++;
    return { user: request.user?.id };
  }

  @Get('bounded')
  @HttpCache({ maxKeys: 50 })
  bounded(@Query('q') q: string): unknown {
    calls++;
    return { q };
  }

  @Get('bad-scope')
  @HttpCache({ scope: (() => 42) as never })
  badScope(): unknown {
    calls++;
    return {};
  }

  @Get('aborts')
  aborts(@Res({ passthrough: true }) response: Answering): unknown {
    calls++;
    (response.raw ?? response).destroy?.();
    return undefined;
  }

  @Get('works')
  works(@Res({ passthrough: true }) response: Answering): unknown {
    calls++;
    response.header('x-call', String(calls));
    return work();
  }

  @Get('late-cookie')
  lateCookie(@Res({ passthrough: true }) response: Answering): unknown {
    calls++;
    response.header('set-cookie', `session=${calls}`);
    return work();
  }
}

@Controller('accounts')
class AccountController {
  @Get('outside')
  @UseInterceptors(serializer, HttpCacheInterceptor)
  outside(): Account {
    calls++;
    return new Account('ann', 'secret');
  }

  @Get('inside')
  @UseInterceptors(HttpCacheInterceptor, serializer)
  inside(): Account {
    calls++;
    return new Account('ann', 'secret');
  }
}

@Controller('global')
@UseInterceptors(HttpCacheInterceptor)
class GlobalController {
  @Get()
  account(): unknown {
    calls++;
    return [{ owner: new Account('ann', 'secret') }];
  }
}

interface Got {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Headers;
  readonly told: string | null;
}

async function get(url: string, headers: Record<string, string> = {}): Promise<Got> {
  const response = await fetch(url, { headers });
  const text = await response.text();
  return {
    status: response.status,
    body: text === '' ? undefined : JSON.parse(text),
    headers: response.headers,
    told: response.headers.get('cache-status'),
  };
}

describe.each(PLATFORMS)('HttpCacheInterceptor on %s, against', (platform) => {
  const apps = useNestApps();
  let url = '';
  let cache: HyperCache;

  async function start(
    controller: Type = HostileController,
    configure?: (app: INestApplication) => void,
  ): Promise<void> {
    const running = await apps.listen(
      platform,
      {
        imports: [HyperCacheModule.forRoot({ sqlitePath: apps.directory() })],
        controllers: [controller],
      },
      configure,
    );
    url = `${running.url}/hostile`;
    cache = running.app.get(HyperCache);
  }

  beforeEach(async () => {
    calls = 0;
    work = () => ({ calls });
  });

  const entries = async (): Promise<string[]> => {
    const keys: string[] = [];
    for await (const key of cache.keys()) keys.push(key);
    return keys;
  };

  it('users that would share what a guard has made theirs', async () => {
    await start();
    await expect(get(`${url}/mine`)).resolves.toMatchObject({ body: { user: 'nobody' } });
    for (const user of ['ann', 'bob', 'ann']) {
      const got = await get(`${url}/mine`, { 'x-user': user });
      expect(got).toMatchObject({
        body: { user },
        told: 'hypercache; fwd=bypass; detail=credentials',
      });
    }
    await expect(get(`${url}/mine`)).resolves.toMatchObject({ body: { user: 'nobody' } });
    expect(calls).toBe(4);
  });

  it('scopes that look like one another, or like a key', async () => {
    await start();
    const users = ['a', 'a#b', '#', 'a:b', '1:a', 'public', '', ' a', 'A', 'scope', '%23'];
    for (const _ of [1, 2]) {
      for (const user of users) {
        const got = await get(`${url}/scoped`, { 'x-user': user });
        expect(got.body).toEqual({ user: user.trim() });
        expect(got.told).not.toContain('bypass');
      }
    }
    // Headers come without spaces around them.
    expect(calls).toBe(new Set(users.map((user) => user.trim())).size);
  });

  it('a user who writes the key of another into his own', async () => {
    await start();
    await get(`${url}/key-and-scope?k=a`, { 'x-user': 'ann' });
    const keys = await entries();
    expect(keys).toHaveLength(1);
    for (const key of keys) {
      const k = encodeURIComponent(key);
      const got = await get(`${url}/key-and-scope?k=${k}`, { 'x-user': 'bob' });
      expect(got.body).toEqual({ user: 'bob' });
      await expect(get(`${url}/scoped?k=${k}`, { 'x-user': 'bob' })).resolves.toMatchObject({
        body: { user: 'bob' },
      });
    }
    const again = await get(`${url}/key-and-scope?k=a`, { 'x-user': 'ann' });
    expect(again.body).toEqual({ user: 'ann' });
    expect(calls).toBe(3);
  });

  it('headers that pretend to be others', async () => {
    await start();
    const tries: Record<string, string>[] = [
      { 'x-a': 'ab' },
      { 'x-a': 'a', 'x-b': 'b' },
      { 'x-b': 'ab' },
      { 'x-a': 'a,b' },
      { 'x-a': 'a:3:x-b2::b' },
      { 'x-a': '', 'x-b': '' },
      {},
      { 'x-a': ':' },
      { 'x-a': 'a%00b' },
    ];
    for (const _ of [1, 2]) {
      for (const headers of tries) {
        const { body } = await get(`${url}/two-headers`, headers);
        expect(body).toEqual([headers['x-a'] ?? null, headers['x-b'] ?? null]);
      }
    }
    expect(calls).toBe(tries.length);
  });

  it('a guard that refuses, also what is cached', async () => {
    await start();
    await get(`${url}/bounded?q=1`);
    await expect(get(`${url}/bounded?q=1`, { 'x-user': 'banned' })).resolves.toMatchObject({
      status: 403,
    });
  });

  it('more query strings than a route keeps', async () => {
    await start();
    await cache.set('of the application', 1);
    for (let i = 0; i < 400; i += 8) {
      await Promise.all(
        Array.from({ length: 8 }, (_, j) => get(`${url}/bounded?q=${i + j}&${i + j}=${i}`)),
      );
    }
    await eventually(async () => expect((await entries()).length).toBeLessThanOrEqual(51));

    await expect(cache.has('of the application')).resolves.toBe(true);
    const last = await get(`${url}/bounded?q=399&399=392`);
    expect(last.told).toContain('hit');
    expect(calls).toBe(400);
  });

  it('a scope that is no text', async () => {
    await start();
    await expect(get(`${url}/bad-scope`)).resolves.toMatchObject({ status: 500 });
    expect(calls).toBe(0);
    await expect(entries()).resolves.toEqual([]);
  });

  it('a handler that cuts the connection', async () => {
    await start();
    for (const _ of [1, 2]) await expect(get(`${url}/aborts`)).rejects.toThrow('fetch failed');

    expect(calls).toBe(2);
    await expect(entries()).resolves.toEqual([]);
  });

  it.each<[string, () => unknown]>([
    ['a text', () => 'text'],
    ['nothing', () => undefined],
    ['an error with a status', () => Object.assign(new Error('a'), { status: 418 })],
  ])('a handler that throws %s', async (_what, make) => {
    await start();
    work = () => {
      throw make();
    };
    for (const _ of [1, 2]) {
      expect((await get(`${url}/works`)).status).toBeGreaterThanOrEqual(400);
    }
    expect(calls).toBe(2);
    await expect(entries()).resolves.toEqual([]);
  });

  it('a handler whose value is not JSON', async () => {
    await start();
    work = () => ({ big: 1n });
    expect((await get(`${url}/works`)).status).toBe(500);
    const cyclic: { self?: unknown } = {};
    cyclic.self = cyclic;
    work = () => cyclic;
    expect((await get(`${url}/works`)).status).toBe(500);
    work = () => ({ method: () => 1, kept: true });
    const got = await get(`${url}/works`);
    expect(got).toMatchObject({
      body: { kept: true },
      told: 'hypercache; fwd=uri-miss; detail=HC_VALUE_UNSUPPORTED',
    });
    await expect(entries()).resolves.toEqual([]);
  });

  it('cookies that go to those who wait', async () => {
    await start();
    const gate = deferred<unknown>();
    work = () => gate.promise;
    const coming = Array.from({ length: 5 }, () => get(`${url}/late-cookie`));
    await eventually(() => expect(calls).toBeGreaterThan(0));
    gate.resolve({});
    const cookies = (await Promise.all(coming)).map(({ headers }) => headers.get('set-cookie'));

    expect(new Set(cookies).size).toBe(5);
    expect(calls).toBe(5);
  });

  it('a serializer outside, which would find no classes on a hit', async () => {
    await start(AccountController);
    const base = url.replace('hostile', 'accounts');
    for (const path of ['outside', 'inside']) {
      for (const _ of [1, 2]) {
        const got = await get(`${base}/${path}`);
        expect(got.body).toEqual({ name: 'ann' });
      }
    }
    expect((await get(`${base}/outside`)).told).toContain('detail=class-instance');
    expect((await get(`${base}/inside`)).told).toContain('hit');
    expect(calls).toBe(4);
  });

  it('a serializer that is global', async () => {
    await start(GlobalController, (app) => void app.useGlobalInterceptors(serializer));
    const base = url.replace('hostile', 'global');
    await get(base);
    expect((await get(base)).told).toContain('detail=class-instance');
    expect(calls).toBe(2);
  });
});

describe('KeyBound', () => {
  it('keeps as many of 100,000 keys as it may, the oldest go first', () => {
    const bound = new KeyBound(1000);
    const kept = new Set<string>();
    for (let i = 0; i < 100_000; i++) {
      kept.add(`key ${i}`);
      const gone = bound.add(`key ${i}`);
      if (gone !== undefined) kept.delete(gone);
    }

    expect(kept.size).toBe(1000);
    expect(kept.has('key 99000')).toBe(true);
    expect(bound.add('key 99000')).toBeUndefined();
    expect(bound.add('new')).toBe('key 99001');
  });
});
