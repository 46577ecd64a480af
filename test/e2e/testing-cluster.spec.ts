import { afterEach, describe, expect, it } from '@jest/globals';
import { HyperCache } from 'nestjs-hypercache';
import {
  createTestCluster,
  TestClock,
  type TestCluster,
  type TestClusterOptions,
} from 'nestjs-hypercache/testing';
import { existsSync } from 'node:fs';
import { RESOLVED_OPTIONS } from '../../lib/nest/hyper-cache.constants.js';
import type { ResolvedOptions } from '../../lib/node/options.js';
import { eventually } from '../support/eventually.js';

const clusters: TestCluster[] = [];
afterEach(async () => {
  for (const cluster of clusters.splice(0)) await cluster.close();
});

const start = async (options?: TestClusterOptions): Promise<TestCluster> => {
  const cluster = await createTestCluster(options);
  clusters.push(cluster);
  return cluster;
};

const everywhere = (cluster: TestCluster, key: string): Promise<unknown[]> =>
  Promise.all(Array.from({ length: cluster.size }, (_, i) => cluster.node(i).cache.get(key)));

describe.each([
  ['in memory', false],
  ['over HTTP', true],
])('createTestCluster, %s', (_name, network) => {
  it('starts one primary and secondaries, and what one writes is everywhere once it has settled', async () => {
    const cluster = await start({ network });

    expect([0, 1, 2].map((i) => cluster.node(i).role)).toEqual([
      'primary',
      'secondary',
      'secondary',
    ]);
    await cluster.node(0).cache.set('of the primary', 1, { tags: ['tag'] });
    await cluster.node(1).manager.set('of a secondary', 2);
    await cluster.settle();

    await expect(everywhere(cluster, 'of the primary')).resolves.toEqual([1, 1, 1]);
    await expect(everywhere(cluster, 'of a secondary')).resolves.toEqual([2, 2, 2]);
    await cluster.node(2).cache.delByTag('tag');
    await cluster.settle();
    await expect(everywhere(cluster, 'of the primary')).resolves.toEqual(Array(3).fill(undefined));
  });

  it('cuts a node off: it serves what it has, its writes fail, and it catches up', async () => {
    const cluster = await start({ network, asyncRequests: false });
    await cluster.node(0).cache.set('key', 1);
    await cluster.settle();

    cluster.partition(1);
    await cluster.node(0).cache.set('key', 2);
    await cluster.settle();

    await expect(everywhere(cluster, 'key')).resolves.toEqual([2, 1, 2]);
    for (const act of [
      (cache: HyperCache) => cache.set('other', 1),
      (cache: HyperCache) => cache.increment('n'),
      (cache: HyperCache) => cache.lock('job', { ttl: '1m' }).acquire(),
    ]) {
      await expect(act(cluster.node(1).cache)).rejects.toMatchObject({
        code: 'HC_PRIMARY_UNREACHABLE',
      });
    }
    cluster.heal();
    await cluster.settle();
    await expect(everywhere(cluster, 'key')).resolves.toEqual([2, 2, 2]);
  });

  it('cuts the primary off from all', async () => {
    const cluster = await start({ network, asyncRequests: false });

    cluster.partition(0);

    for (const i of [1, 2]) {
      await expect(cluster.node(i).cache.set('key', 1)).rejects.toMatchObject({
        code: 'HC_PRIMARY_UNREACHABLE',
      });
    }
    await cluster.node(0).cache.set('key', 1);
    cluster.heal();
    await cluster.settle();
    await expect(everywhere(cluster, 'key')).resolves.toEqual([1, 1, 1]);
  });

  it('keeps what a killed node had committed and accepted, and nothing else', async () => {
    const cluster = await start({ network, asyncRequests: true });
    await cluster.node(0).cache.set('committed', 1);
    await cluster.settle();
    cluster.partition(1);
    await cluster.node(1).cache.set('accepted', 2);

    await cluster.kill(1);
    await cluster.kill(0);
    cluster.heal();
    expect(cluster.node(0).isRunning).toBe(false);
    await expect(cluster.node(0).cache.set('key', 1)).rejects.toMatchObject({ code: 'HC_CLOSED' });
    await cluster.restart(0);
    await cluster.settle();
    await expect(cluster.node(0).cache.get('committed')).resolves.toBe(1);
    await expect(cluster.node(0).cache.get('accepted')).resolves.toBeUndefined();
    await cluster.restart(1);
    await cluster.settle();

    await expect(everywhere(cluster, 'committed')).resolves.toEqual([1, 1, 1]);
    await expect(everywhere(cluster, 'accepted')).resolves.toEqual([2, 2, 2]);
  });

  it('promotes a secondary, which the others follow, and takes the former primary back', async () => {
    const cluster = await start({ network, asyncRequests: false });
    await cluster.node(0).cache.set('before', 1);
    await cluster.settle();

    await cluster.promote(1);
    await eventually(() =>
      expect(cluster.node(0).cache.set('key', 1)).rejects.toMatchObject({ code: 'HC_SUPERSEDED' }),
    );
    await cluster.settle();
    await cluster.node(2).cache.set('after', 2);
    await cluster.restart(0);
    await cluster.settle();

    expect([0, 1, 2].map((i) => cluster.node(i).role)).toEqual([
      'secondary',
      'primary',
      'secondary',
    ]);
    expect(cluster.primary).toBe(cluster.node(1));
    await expect(everywhere(cluster, 'before')).resolves.toEqual([1, 1, 1]);
    await expect(everywhere(cluster, 'after')).resolves.toEqual([2, 2, 2]);
  });

  it('delays what comes to a node and leaves it', async () => {
    const cluster = await start({ network, asyncRequests: false, timeout: 400 });
    cluster.delay(1, 20);

    const began = performance.now();
    await cluster.node(1).cache.set('key', 1);
    const took = performance.now() - began;
    cluster.delay(1, '1h');

    expect(took).toBeGreaterThanOrEqual(39);
    await expect(cluster.node(1).cache.increment('n')).rejects.toMatchObject({
      code: 'HC_PRIMARY_TIMEOUT',
    });
  });
});

describe('createTestCluster', () => {
  it('moves the time of all nodes at once', async () => {
    const clock = new TestClock(new Date('2026-01-01'));
    const cluster = await start({ clock, asyncRequests: false });
    await cluster.node(1).cache.set('key', 1, '5m');
    await cluster.settle();
    const lock = cluster.node(1).cache.lock('job', { ttl: '1m' });
    await lock.acquire();
    const next = cluster.node(2).cache.lock('job', { ttl: '10m' }).acquire({ wait: '5m' });
    await eventually(async () => expect((await cluster.node(0).cache.stats()).lockWaiters).toBe(1));

    await cluster.clock.advance('1m');
    const wasServed = await next;
    const before = await everywhere(cluster, 'key');
    await cluster.clock.advance('4m');
    const after = await everywhere(cluster, 'key');

    expect(cluster.clock).toBe(clock);
    expect(wasServed).toBe(true);
    expect(lock.isHeld).toBe(false);
    expect(before).toEqual([1, 1, 1]);
    expect(after).toEqual([undefined, undefined, undefined]);
    await cluster.settle();
    expect((await cluster.node(1).cache.stats()).replica).toMatchObject({ lost: 0 });
  });

  it('says that a cluster does not settle', async () => {
    const cluster = await start({ nodes: 2, asyncRequests: true });
    cluster.delay(1, '1h');
    await cluster.node(1).cache.set('key', 1);

    await expect(cluster.settle(50)).rejects.toMatchObject({ code: 'HC_REPLICA_BEHIND' });
  });

  it('takes the options of an application, for all nodes', async () => {
    const cluster = await start({ nodes: 2, ttl: '1m', replica: 'none' });

    await cluster.node(1).cache.set('key', 1);
    await cluster.settle();

    await expect(cluster.node(0).cache.ttl('key')).resolves.toBe(cluster.clock.now() + 60_000);
    await expect(cluster.node(1).cache.get('key')).resolves.toBe(1);
  });

  it('closes once, and leaves no file behind', async () => {
    const cluster = await start({ nodes: 2 });
    const { app } = cluster.node(1);
    const directories = [directoryOf(cluster, 0), directoryOf(cluster, 1)];
    await cluster.kill(0);
    await cluster.restart(0);
    directories.push(directoryOf(cluster, 0));

    await Promise.all([cluster.close(), cluster.close()]);

    expect(new Set(directories).size).toBe(3);
    expect(directories.filter((directory) => existsSync(directory))).toEqual([]);
    await expect(app.get(HyperCache).set('key', 1)).rejects.toMatchObject({ code: 'HC_CLOSED' });
  });

  it.each([0, 21, 1.5, Number.NaN, '3'])('refuses %p nodes', async (nodes) => {
    await expect(start({ nodes: nodes as never })).rejects.toMatchObject({
      code: 'HC_ARGUMENT_INVALID',
    });
  });

  it('refuses what is no node, no time and no option', async () => {
    const cluster = await start({ nodes: 1 });

    for (const act of [
      () => cluster.node(1),
      () => cluster.partition(-1),
      () => cluster.delay(0, 'soon' as never),
      () => cluster.delay(7, 1),
    ]) {
      expect(act).toThrow(expect.objectContaining({ code: 'HC_ARGUMENT_INVALID' }));
    }
    await expect(cluster.promote(1)).rejects.toMatchObject({ code: 'HC_ARGUMENT_INVALID' });
    await expect(start({ ttll: 1 } as never)).rejects.toMatchObject({ code: 'HC_OPTIONS_INVALID' });
  });
});

function directoryOf(cluster: TestCluster, index: number): string {
  const { app } = cluster.node(index);
  return app.get<ResolvedOptions>(RESOLVED_OPTIONS, { strict: false }).sqlitePath;
}
