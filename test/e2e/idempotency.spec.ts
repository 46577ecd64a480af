import { describe, expect, it } from '@jest/globals';
import {
  BadRequestException,
  Body,
  ConflictException,
  Controller,
  Get,
  HttpCode,
  ParseIntPipe,
  Patch,
  Post,
  Put,
  Query,
  Res,
  StreamableFile,
  UnprocessableEntityException,
} from '@nestjs/common';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HyperCacheModule } from 'nestjs-hypercache';
import {
  HyperCacheIdempotencyModule,
  Idempotent,
  type IdempotentOptions,
} from 'nestjs-hypercache/idempotency';
import type { HyperCacheOptions } from '../../lib/node/options.js';
import { CLUSTER_TOKEN } from '../support/clusters.js';
import { freePort } from '../support/cluster-processes.js';
import { deferred } from '../support/deferred.js';
import { eventually } from '../support/eventually.js';
import { PLATFORMS, useNestApps } from '../support/nest-apps.js';
import { useNodeProcesses } from '../support/node-process.js';
import { useTemporaryDirectories } from '../support/temporary-directory.js';

let calls = 0;
let gate = deferred<void>();

class Account {
  constructor(
    readonly id: number,
    readonly password: string,
  ) {}
}

@Controller('payments')
class Payments {
  @Post()
  @Idempotent()
  async pay(@Body() body: { amount?: number }): Promise<object> {
    calls++;
    await gate.promise;
    return { amount: body.amount, at: new Date(0), calls };
  }

  @Idempotent({ onConcurrent: 'wait', wait: '5s' })
  @Post('waiting')
  async waiting(): Promise<object> {
    calls++;
    await gate.promise;
    return { calls };
  }

  @Post('checked')
  @HttpCode(202)
  @Idempotent()
  checked(
    @Query('id', ParseIntPipe) id: number,
    @Body() { failure }: { failure?: string },
    @Res({ passthrough: true }) response: { header(name: string, value: string): void },
  ): object | null {
    calls++;
    response.header('location', `/payments/${id}`);
    if (failure === 'conflict') throw new ConflictException('of the handler');
    if (failure === 'refused') throw new UnprocessableEntityException({ code: 'too_much', id });
    if (failure === 'crash') throw new TypeError('of the handler');
    return failure === 'null' ? null : { id };
  }

  @Post('optional')
  @Idempotent({ required: false, header: 'X-Key' })
  @Idempotent({ required: false, header: 'X-Key' })
  optional(): object {
    return { calls: ++calls };
  }

  @Post('file')
  @Idempotent()
  file(): StreamableFile {
    calls++;
    return new StreamableFile(Buffer.from('bytes'));
  }

  @Post('account')
  @Idempotent()
  account(): Account {
    return new Account(++calls, 'secret');
  }

  @Post('serialized')
  @Idempotent({ serialize: (account) => ({ id: (account as Account).id }), maxBytes: 100 })
  serialized(): Account {
    return new Account(++calls, 'secret');
  }

  @Post('large')
  @Idempotent({ maxBytes: 100 })
  large(): object {
    return { calls: ++calls, text: 'x'.repeat(200) };
  }

  @Patch('scoped')
  @Idempotent({
    scope: (context) =>
      context.switchToHttp().getRequest<{ headers: { user: string } }>().headers.user,
    fingerprint: false,
  })
  scoped(): object {
    return { calls: ++calls };
  }

  @Put()
  @Idempotent()
  put(): object {
    return { calls: ++calls };
  }

  @Get()
  get(): object {
    return { calls };
  }
}

describe.each(PLATFORMS)('@Idempotent on %s', (platform) => {
  const apps = useNestApps();

  async function start(options: HyperCacheOptions = {}) {
    calls = 0;
    gate = deferred();
    const { app, url } = await apps.listen(platform, {
      imports: [
        HyperCacheModule.forRoot({ sqlitePath: apps.directory(), logger: false, ...options }),
        HyperCacheIdempotencyModule,
      ],
      controllers: [Payments],
    });
    const send = async (
      path: string,
      key: string | undefined,
      body: unknown = {},
      { method = 'POST', headers = {} }: { method?: string; headers?: object } = {},
    ) => {
      const response = await fetch(`${url}/payments${path}`, {
        method,
        headers: {
          'content-type': 'application/json',
          ...(key === undefined ? {} : { 'idempotency-key': key }),
          ...headers,
        },
        body: JSON.stringify(body),
      });
      const text = await response.text();
      const type = response.headers.get('content-type') ?? '';
      return {
        status: response.status,
        replayed: response.headers.get('idempotency-replayed'),
        location: response.headers.get('location'),
        type,
        body: type.includes('json') ? (JSON.parse(text) as object) : text,
      };
    };
    return { app, send };
  }

  it('of 50 at once calls the handler once; the others are 409, then replays', async () => {
    const { send } = await start();
    const all = Array.from({ length: 50 }, () => send('', 'key-1', { amount: 5 }));
    await eventually(() => expect(calls).toBe(1));
    // Another body comes before "in progress".
    await eventually(async () => {
      expect(await send('', 'key-1', { amount: 6 })).toMatchObject({
        status: 422,
        type: expect.stringContaining('application/problem+json'),
        body: { type: 'about:blank', status: 422, code: 'key_reused' },
      });
    });
    await eventually(async () => {
      expect(await send('', 'key-1', { amount: 5 })).toMatchObject({
        status: 409,
        body: { code: 'in_progress' },
      });
    });
    gate.resolve();
    const statuses = (await Promise.all(all)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 201).length).toBeGreaterThanOrEqual(1);
    expect(statuses.every((status) => status === 201 || status === 409)).toBe(true);
    expect(await send('', '"key-1"', { amount: 5 })).toMatchObject({
      status: 201,
      replayed: 'true',
      body: { amount: 5, at: '1970-01-01T00:00:00.000Z', calls: 1 },
    });
    // The order of fields is no other body.
    expect((await send('', 'key-1', { amount: 6 })).status).toBe(422);
    expect(calls).toBe(1);
  });

  it('of 50 at once calls the handler once; with wait all have its answer', async () => {
    const { send } = await start();
    const all = Array.from({ length: 50 }, () => send('/waiting', 'key'));
    await eventually(() => expect(calls).toBe(1));
    gate.resolve();
    const answers = await Promise.all(all);
    for (const answer of answers) expect(answer).toMatchObject({ status: 201, body: { calls: 1 } });
    expect(answers.filter(({ replayed }) => replayed === 'true')).toHaveLength(49);
  });

  it('replays status, headers and errors of the handler, and null', async () => {
    const { send } = await start();
    for (const [failure, status, body] of [
      [undefined, 202, { id: 7 }],
      ['refused', 422, { code: 'too_much', id: 7 }],
    ] as const) {
      const first = await send('/checked?id=7', `key-${failure}`, { failure });
      expect(first).toMatchObject({ status, replayed: null, location: '/payments/7', body });
      const again = await send('/checked?id=7', `key-${failure}`, { failure });
      expect(again).toEqual({ ...first, replayed: 'true' });
    }
    expect(calls).toBe(2);
    const empty = await send('/checked?id=7', 'key-null', { failure: 'null' });
    expect(await send('/checked?id=7', 'key-null', { failure: 'null' })).toMatchObject({
      status: 202,
      replayed: 'true',
      body: empty.body,
    });
  });

  it('keeps no 409, no 5xx, and nothing that a pipe refused', async () => {
    const { send } = await start();
    for (const [failure, status] of [
      ['conflict', 409],
      ['crash', 500],
    ] as const) {
      for (let i = 0; i < 2; i++) {
        const answer = await send('/checked?id=7', `key-${failure}`, { failure });
        expect(answer).toMatchObject({ status, replayed: null });
      }
    }
    expect(calls).toBe(4);
    for (let i = 0; i < 2; i++) {
      expect(await send('/checked?id=x', 'key')).toMatchObject({ status: 400, replayed: null });
    }
    expect(calls).toBe(4);
  });

  it.each([
    ['none', undefined, 'key_missing'],
    ['an empty one', '""', 'key_invalid'],
    ['one that is too long', 'x'.repeat(256), 'key_invalid'],
    ['one with a space', 'a b', 'key_invalid'],
    ['a half quote', '"a', undefined],
  ])('of keys refuses %s', async (_what, key, code) => {
    const { send } = await start();
    gate.resolve();
    const answer = await send('', key);
    if (code === undefined) expect(answer.status).toBe(201);
    else {
      expect(answer).toMatchObject({
        status: 400,
        type: expect.stringContaining('application/problem+json'),
        body: { code },
      });
      expect(calls).toBe(0);
    }
  });

  it('takes a key in its own header, or none, and stands twice as once', async () => {
    const { send } = await start();
    expect((await send('/optional', undefined)).body).toEqual({ calls: 1 });
    expect((await send('/optional', undefined)).body).toEqual({ calls: 2 });
    const headers = { 'x-key': 'a' };
    for (let i = 0; i < 2; i++) {
      expect((await send('/optional', undefined, {}, { headers })).body).toEqual({ calls: 3 });
    }
  });

  it('never replays the answer of another user, whatever their keys', async () => {
    const { send } = await start();
    gate.resolve();
    const as = (authorization: string) => send('', 'key', {}, { headers: { authorization } });
    expect((await as('Bearer a')).body).toMatchObject({ calls: 1 });
    expect((await as('Bearer b')).body).toMatchObject({ calls: 2 });
    expect(await as('Bearer a')).toMatchObject({ replayed: 'true', body: { calls: 1 } });
    const scoped = (user: string, key: string) =>
      send('/scoped', key, { any: user }, { method: 'PATCH', headers: { user } });
    expect((await scoped('a', 'b"c')).body).toEqual({ calls: 3 });
    expect((await scoped('a"b', 'c')).body).toEqual({ calls: 4 });
    expect((await scoped('a', 'b"c')).body).toEqual({ calls: 3 });
  });

  it('answers what cannot be kept, runs it no second time, and shows no field that may be hidden', async () => {
    const { send } = await start();
    for (const path of ['/file', '/account', '/large']) {
      const before = calls;
      expect((await send(path, 'key')).status).toBe(201);
      expect(await send(path, 'key')).toMatchObject({
        status: 409,
        body: { code: 'outcome_not_stored' },
      });
      expect(calls).toBe(before + 1);
    }
    expect((await send('/serialized', 'key')).body).toMatchObject({ password: 'secret' });
    const { body, replayed } = await send('/serialized', 'key');
    expect({ body, replayed }).toEqual({ body: { id: calls }, replayed: 'true' });
  });

  it('refuses a method that is idempotent by itself', async () => {
    const { send } = await start();
    expect((await send('', 'key', {}, { method: 'PUT' })).status).toBe(500);
    expect(calls).toBe(0);
  });

  it('is 503 while nothing can be kept, and the handler does not run', async () => {
    const { send } = await start({ maxEntries: 1 });
    gate.resolve();
    expect((await send('', 'key-1')).status).toBe(201);
    expect(await send('', 'key-2')).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    expect(calls).toBe(1);
    // What is kept stays.
    expect(await send('', 'key-1')).toMatchObject({ replayed: 'true' });
  });
});

describe('@Idempotent over processes', () => {
  const startProgram = useNodeProcesses();
  const directory = useTemporaryDirectories();
  const paidIn = (journal: string): number =>
    existsSync(journal) ? readFileSync(journal, 'utf8').split('\n').length - 1 : 0;
  const start = async (config: {
    journal: string;
    options: HyperCacheOptions;
    onCrash?: 'reject' | 'rerun';
    hangs?: boolean;
    port?: number;
  }) => {
    const process = await startProgram('idempotent-app', config);
    const url = (await process.ask<string>('app', 'url')).value;
    const pay = async () => {
      const headers = { 'idempotency-key': 'key' };
      const response = await fetch(`${url}/payments`, { method: 'POST', headers });
      const replayed = response.headers.get('idempotency-replayed');
      return { status: response.status, replayed, body: (await response.json()) as object };
    };
    return { process, pay };
  };

  it.each([
    ['reject', 409, 1],
    ['rerun', 201, 2],
  ] as const)('after kill -9 in the handler goes by onCrash: %s', async (onCrash, status, paid) => {
    const journal = join(directory(), 'journal');
    const options = { sqlitePath: directory() };
    const first = await start({ journal, options, onCrash, hangs: true });
    const lost = first.pay().catch(() => undefined);
    await eventually(() => expect(paidIn(journal)).toBe(1));
    const second = await start({ journal, options, onCrash });
    expect(await second.pay()).toMatchObject({ status: 409, body: { code: 'in_progress' } });
    await first.process.kill();
    await lost;
    await eventually(
      async () => {
        const answer = await second.pay();
        expect(answer).not.toMatchObject({ body: { code: 'in_progress' } });
        expect(answer.status).toBe(status);
        if (onCrash === 'reject') expect(answer.body).toMatchObject({ code: 'outcome_unknown' });
      },
      { timeoutMs: 30_000 },
    );
    expect(paidIn(journal)).toBe(paid);
  });

  it('runs once for two servers, and replays after a restart', async () => {
    const journal = join(directory(), 'journal');
    const port = await freePort();
    const sqlitePath = directory();
    const apiToken = CLUSTER_TOKEN;
    const primary = await start({ journal, port, options: { sqlitePath, apiToken } });
    const secondary = await start({
      journal,
      options: {
        role: 'secondary',
        primaryUrl: `http://127.0.0.1:${port}`,
        apiToken,
        sqlitePath: directory(),
      },
    });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? primary : secondary).pay()),
    );
    expect(answers.filter(({ status }) => status === 201).length).toBeGreaterThanOrEqual(1);
    expect(paidIn(journal)).toBe(1);
    await eventually(async () => {
      expect(await secondary.pay()).toMatchObject({ status: 201, replayed: 'true' });
    });
    await secondary.process.finish();
    await primary.process.kill();
    const again = await start({ journal, port, options: { sqlitePath, apiToken } });
    expect(await again.pay()).toEqual({ status: 201, replayed: 'true', body: { paid: true } });
    expect(paidIn(journal)).toBe(1);
  });
});

describe('the options of @Idempotent', () => {
  it.each([
    ['an unknown one', { retry: 1 }],
    ['another choice', { onCrash: 'ignore' }],
    ['no list', { methods: 'PUT' }],
    ['no function', { scope: 'user' }],
    ['no name', { header: 'a b' }],
    ['no size', { maxBytes: -1 }],
    ['no answer', { required: 'yes' }],
    ['no duration', { ttl: '1 day' }],
    ['a negative duration', { ttl: -1 }],
    ['no duration to wait', { wait: Number.NaN }],
    ['an endless wait', { wait: Infinity }],
    ['a wait that no timer has', { wait: '30d' }],
  ])('are refused when the class is loaded: %s', (_what, options) => {
    expect(() => Idempotent(options as IdempotentOptions)).toThrow(
      expect.objectContaining({ code: 'HC_ARGUMENT_INVALID' }),
    );
  });

  it('are refused on a route that is idempotent by itself, and on what is no method', () => {
    class Routes {
      get(): void {
        throw new BadRequestException();
      }
    }
    const descriptor = Object.getOwnPropertyDescriptor(Routes.prototype, 'get');
    Get()(Routes.prototype, 'get', descriptor as PropertyDescriptor);
    const apply = (options: IdempotentOptions, value = descriptor): void => {
      Idempotent(options)(Routes.prototype, 'get', value as PropertyDescriptor);
    };
    expect(() => apply({})).toThrow(/answers GET/);
    expect(() => apply({}, {})).toThrow(/no method/);
    expect(() => apply({ methods: ['GET'] })).not.toThrow();
  });
});
