import { afterEach, describe, expect, it } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import { HyperCache } from 'nestjs-hypercache';
import {
  createTestCluster,
  faultsOf,
  HYPERCACHE_ENVIRONMENT,
  HyperCacheTestingModule,
  recordEvents,
  testEnvironment,
  type Faults,
  type HyperCacheTestOptions,
} from 'nestjs-hypercache/testing';
import { HyperCacheModule } from 'nestjs-hypercache';

const apps: TestingModule[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

const start = async (
  options: HyperCacheTestOptions = {},
): Promise<{ cache: HyperCache; faults: Faults }> => {
  const app = await Test.createTestingModule({
    imports: [HyperCacheTestingModule.forTest({ durability: 'normal', ...options })],
  }).compile();
  apps.push(await app.init());
  return { cache: app.get(HyperCache), faults: faultsOf(app) };
};

describe('faults.failNext', () => {
  it('fails as many commits as it says, and stores nothing of them', async () => {
    const { cache, faults } = await start();
    await cache.set('key', 'old');

    faults.failNext('commit', 'HC_STORAGE_BUSY', 2);
    const writes = await Promise.allSettled([cache.set('key', 'new'), cache.increment('n')]);
    const second = await Promise.allSettled([cache.add('other', 1)]);

    for (const write of [...writes, ...second]) {
      expect(write).toMatchObject({ status: 'rejected', reason: { code: 'HC_STORAGE_BUSY' } });
    }
    await expect(cache.get('key')).resolves.toBe('old');
    await expect(cache.increment('n')).resolves.toBe(1);
  });

  it('fails with an error of the test, the first that was planned first', async () => {
    const { cache, faults } = await start();
    const cause = new Error('the controller is on fire');
    faults.failNext('commit', cause);
    faults.failNext('commit', 'HC_STORAGE_FULL');

    await expect(cache.set('key', 1)).rejects.toMatchObject({ code: 'HC_STORAGE_FAILED', cause });
    await expect(cache.set('key', 1)).rejects.toMatchObject({ code: 'HC_STORAGE_FULL' });
    await expect(cache.set('key', 1)).resolves.toBeUndefined();
  });

  it('makes reads below memory misses, which are told', async () => {
    const { cache, faults } = await start({ l1: false });
    await cache.set('key', 1);
    const events = recordEvents(cache, ['error']);

    faults.failNext('read', 'HC_STORAGE_FAILED', 2);

    await expect(cache.get('key')).resolves.toBeUndefined();
    await expect(cache.has('key')).resolves.toBe(false);
    await expect(cache.get('key')).resolves.toBe(1);
    expect(events.of('error').map(({ error }) => error.code)).toEqual(
      Array(2).fill('HC_STORAGE_FAILED'),
    );
    faults.failNext('read', 'HC_STORAGE_FAILED', Infinity);
    await expect(cache.wrap('key', () => 'made')).resolves.toBe('made');
    await expect(cache.keys().next()).rejects.toMatchObject({ code: 'HC_STORAGE_FAILED' });
    faults.heal();
    await expect(cache.has('key')).resolves.toBe(true);
  });

  it('fails what a secondary sends, and no read of it', async () => {
    await using cluster = await createTestCluster({ nodes: 2, asyncRequests: false });
    const { cache, faults } = cluster.node(1);
    await cluster.node(0).cache.set('key', 1);
    await cluster.settle();

    faults.failNext('forward', 'HC_PRIMARY_UNREACHABLE');

    await expect(cache.set('key', 2)).rejects.toMatchObject({ code: 'HC_PRIMARY_UNREACHABLE' });
    await expect(cache.get('key')).resolves.toBe(1);
    await cache.set('key', 2);
    await expect(cluster.node(0).cache.get('key')).resolves.toBe(2);
  });

  it('sends what a secondary has accepted again', async () => {
    await using cluster = await createTestCluster({ nodes: 2, asyncRequests: true });
    const { cache, faults } = cluster.node(1);

    faults.failNext('forward', 'HC_PRIMARY_TIMEOUT', 3);
    await cache.set('key', 1);
    await cluster.settle();

    await expect(cluster.node(0).cache.get('key')).resolves.toBe(1);
  });

  it('refuses what there is not', async () => {
    const { faults } = await start();
    await using cluster = await createTestCluster({ nodes: 2 });

    for (const act of [
      () => faults.failNext('commit', 'HC_MISS' as never),
      () => faults.failNext('commit', undefined as never),
      () => faults.failNext('write' as never, 'HC_STORAGE_FULL'),
      () => faults.failNext('forward', 'HC_PRIMARY_TIMEOUT'),
      () => faults.failNext('commit', 'HC_STORAGE_FULL', 0),
      () => cluster.node(1).faults.diskFull(),
    ]) {
      expect(act).toThrow(expect.objectContaining({ code: 'HC_ARGUMENT_INVALID' }));
    }
  });
});

describe('faults.diskFull', () => {
  it('refuses writes until it is healed, and reads go on', async () => {
    const { cache, faults } = await start();
    await cache.set('key', 1);

    faults.diskFull();

    for (let i = 0; i < 3; i++) {
      await expect(cache.set('key', 2)).rejects.toMatchObject({ code: 'HC_STORAGE_FULL' });
    }
    await expect(cache.get('key')).resolves.toBe(1);
    expect(cache.health().writes).toBe('HC_STORAGE_FULL');
    faults.heal();
    await cache.set('key', 2);
    expect(cache.health().writes).toBeUndefined();
  });
});

describe('faults.corrupt', () => {
  it('damages the file, in the place of which the node begins a new one', async () => {
    const { cache, faults } = await start({ l1: false });
    await cache.mset(Array.from({ length: 100 }, (_, i) => ({ key: `key ${i}`, value: i })));
    const events = recordEvents(cache, ['recovered']);

    await faults.corrupt();

    await expect(cache.get('key 50')).resolves.toBeUndefined();
    expect(events.of('recovered')).toEqual([
      { reason: 'corrupt', quarantined: expect.stringContaining('.corrupt-') },
    ]);
    await cache.set('key', 1);
    await expect(cache.get('key')).resolves.toBe(1);
    expect(cache.health().writes).toBeUndefined();
  });
});

describe('faultsOf', () => {
  it('is there for a whole application too, and for no other', async () => {
    const Root = HyperCacheModule.forRoot();
    const tested = await Test.createTestingModule({ imports: [Root] })
      .overrideProvider(HYPERCACHE_ENVIRONMENT)
      .useValue(testEnvironment())
      .compile();
    const stub = await Test.createTestingModule({
      imports: [HyperCacheTestingModule.stub()],
    }).compile();
    apps.push(await tested.init(), await stub.init());

    faultsOf(tested).diskFull();

    await expect(tested.get(HyperCache).increment('n')).rejects.toMatchObject({
      code: 'HC_STORAGE_FULL',
    });
    expect(() => faultsOf(stub)).toThrow(expect.objectContaining({ code: 'HC_ARGUMENT_INVALID' }));
  });
});
