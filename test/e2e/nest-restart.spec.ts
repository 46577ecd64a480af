import { beforeEach, describe, expect, it } from '@jest/globals';
import type { INestApplicationContext, Provider } from '@nestjs/common';
import { once } from 'node:events';
import { mkdirSync, symlinkSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { HyperCache, HyperCacheModule, type HyperCacheOptions } from 'nestjs-hypercache';
import { TOKEN } from '../support/api-client.js';
import { deferred } from '../support/deferred.js';
import { LEFT_OPEN, useNestApps } from '../support/nest-apps.js';

const apps = useNestApps();
let directory = '';
beforeEach(() => {
  directory = apps.directory();
});

function start(options: HyperCacheOptions = {}): Promise<INestApplicationContext> {
  return apps.context({
    imports: [HyperCacheModule.forRoot({ sqlitePath: directory, ...options })],
  });
}

describe('a restart', () => {
  it('finds values of every type, deadlines and tags', async () => {
    const values = {
      text: 'é🍩\0',
      number: -0.5,
      true: true,
      null: null,
      bigint: 2n ** 70n,
      date: new Date(0),
      map: new Map<unknown, unknown>([['a', new Set([1])]]),
      buffer: Buffer.from([1, 2]),
      bytes: Uint8Array.of(3, 4),
      nested: [{ list: [1, { deep: undefined }] }],
    };
    const first = await start();
    const before = first.get(HyperCache);
    for (const [key, value] of Object.entries(values)) await before.set(key, value);
    await before.set('with ttl', 1, { ttl: 3_600_000, tags: ['tag'] });
    await before.increment('counter', 5);
    const deadline = await before.ttl('with ttl');
    await first.close();

    const after = (await start()).get(HyperCache);

    await expect(after.mget(Object.keys(values))).resolves.toEqual(Object.values(values));
    await expect(after.ttl('with ttl')).resolves.toBe(deadline);
    await expect(after.delByTag('tag')).resolves.toBe(1);
    await expect(after.increment('counter')).resolves.toBe(6);
  });

  it('does not bring back what was deleted or cleared', async () => {
    const first = await start();
    const before = first.get(HyperCache);
    await before.set('deleted', 1);
    await before.set('cleared', 1);
    await before.del('deleted');
    await before.clear();
    await before.set('kept', 1);
    await first.close();

    const after = (await start()).get(HyperCache);

    await expect(after.mget(['deleted', 'cleared', 'kept'])).resolves.toEqual([
      undefined,
      undefined,
      1,
    ]);
  });

  it('goes on with the same history in a new epoch after a clean stop, and the revision never falls', async () => {
    const first = await start();
    await first.get(HyperCache).set('key', 1);
    const before = await first.get(HyperCache).stats();
    await first.close();

    const second = await start();
    const after = await second.get(HyperCache).stats();

    expect(after.historyId).toBe(before.historyId);
    expect(after.epoch).toBeGreaterThan(before.epoch);
    expect(after.revision).toBeGreaterThanOrEqual(before.revision);
    expect(after.l2.entries).toBe(1);
  });
});

describe('one file twice in one process', () => {
  const IN_USE = {
    name: 'FileInUseError',
    code: 'HC_FILE_IN_USE',
    hint: expect.stringMatching(/forFeature\(\).*sqlitePath/),
  };

  it('is refused within one application, with the path and what to do', async () => {
    const starting = apps.context({
      imports: [
        HyperCacheModule.forRoot({ sqlitePath: directory, ...LEFT_OPEN }),
        HyperCacheModule.forRoot({ sqlitePath: directory, ...LEFT_OPEN, namespace: 'other' }),
      ],
    });

    await expect(starting).rejects.toMatchObject({
      ...IN_USE,
      message: expect.stringContaining(join(directory, 'hypercache.sqlite')),
    });
  });

  it('is refused for a second application while the first runs, which goes on', async () => {
    const first = await start();

    await expect(start()).rejects.toMatchObject(IN_USE);

    await first.get(HyperCache).set('key', 'value');
    await first.close();
    const second = await start();
    await expect(second.get(HyperCache).get('key')).resolves.toBe('value');
  });

  it('is noticed behind a symbolic link and a relative path', async () => {
    const real = join(directory, 'real');
    mkdirSync(real);
    symlinkSync(real, join(directory, 'link'));
    await start({ sqlitePath: real });

    await expect(start({ sqlitePath: join(directory, 'link') })).rejects.toMatchObject(IN_USE);
    await expect(start({ sqlitePath: `${directory}/real/../link/../real` })).rejects.toMatchObject(
      IN_USE,
    );
  });

  it('is no matter of two files', async () => {
    const first = await start({ sqlitePath: join(directory, 'a') });
    const second = await start({ sqlitePath: join(directory, 'b') });
    await first.get(HyperCache).set('key', 'a');

    await expect(second.get(HyperCache).get('key')).resolves.toBeUndefined();
  });
});

describe('a start that fails for another reason', () => {
  const db = (fail: () => unknown): Provider => ({
    provide: 'DB',
    useFactory: async (cache: HyperCache) => {
      await cache.set('seen', 'by the factory');
      return fail();
    },
    inject: [HyperCache],
  });
  const away = (): never => {
    throw new Error('db is away');
  };

  it.each([
    ['a factory', db(away)],
    ['onModuleInit', db(() => ({ onModuleInit: away }))],
  ])('lets the next one in the process have the file: %s', async (_where, provider) => {
    const module = {
      imports: [HyperCacheModule.forRoot({ sqlitePath: directory, logger: false })],
    };
    for (let tries = 0; tries < 2; tries++) {
      const starting = apps.context({ ...module, providers: [provider] });
      await expect(starting).rejects.toThrow('db is away');
    }
    const app = await apps.context({ ...module, providers: [db(() => 1)] });

    await expect(app.get(HyperCache).get('seen')).resolves.toBe('by the factory');
    await expect(apps.context(module)).rejects.toMatchObject({ code: 'HC_FILE_IN_USE' });
    await app.get(HyperCache).set('seen', 2);
  });

  it('lets the next one have it when its own port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const options = {
      logger: false,
      apiToken: TOKEN,
      listen: { host: '127.0.0.1', port },
    } as const;
    await expect(start(options)).rejects.toMatchObject({ code: 'HC_LISTEN_FAILED' });
    taken.close();
    await once(taken, 'close');

    const app = await start(options);
    await app.get(HyperCache).set('a', 1);
  });

  it('says so to an application that was not complete when the next one began', async () => {
    const module = {
      imports: [HyperCacheModule.forRoot({ sqlitePath: directory, logger: false })],
    };
    const gate = deferred<void>();
    const reached = deferred<void>();
    const waiting = db(() => {
      reached.resolve();
      return gate.promise;
    });
    const slow = apps.context({ ...module, providers: [waiting] });
    const refused = expect(slow).rejects.toMatchObject({ code: 'HC_FILE_IN_USE' });
    await reached.promise;
    const app = await apps.context(module);
    gate.resolve();

    await refused;
    await app.get(HyperCache).set('a', 1);
  });
});
