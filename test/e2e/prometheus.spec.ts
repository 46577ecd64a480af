import { describe, expect, it } from '@jest/globals';
import { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import { registerHyperCacheMetrics } from 'nestjs-hypercache/prometheus';
import { Registry } from 'prom-client';
import { METRICS } from '../../lib/prometheus/metrics.js';
import { useDirectClusters } from '../support/clusters.js';
import { eventually } from '../support/eventually.js';
import { useNodes } from '../support/nodes.js';

const linesOf = (text: string): string[] =>
  text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

describe('registerHyperCacheMetrics', () => {
  const startNode = useNodes();
  const clusters = useDirectClusters();

  it('shows the counters of the node, each once, as often as it is asked', async () => {
    const node = await startNode({ namespace: 'shop "x"\n' });
    const cache = new HyperCache(node, node.cache('shop "x"\n'));
    const registry = new Registry();
    registerHyperCacheMetrics(cache, { registry });
    await cache.set('a', 1);
    await cache.set('b', 1);
    await cache.get('a');
    await cache.get('missing');
    await cache.del('b');

    const first = await registry.metrics();
    const second = await registry.metrics();

    expect(second).toBe(first);
    const labels = 'namespace="shop \\"x\\"\\n"';
    expect(linesOf(first)).toEqual(
      expect.arrayContaining([
        `hypercache_reads_total{${labels},result="l1"} 1`,
        `hypercache_reads_total{${labels},result="miss"} 1`,
        `hypercache_writes_total{${labels},kind="set"} 2`,
        `hypercache_writes_total{${labels},kind="delete"} 1`,
        'hypercache_entries{layer="l1"} 1',
        'hypercache_revision 3',
        'hypercache_incidents_total 0',
      ]),
    );
    expect(first).toContain('# TYPE hypercache_reads_total counter');
    expect(first).toContain('# TYPE hypercache_bytes gauge');
  });

  it('follows what happens between two answers, and adds nothing to other metrics', async () => {
    const node = await startNode();
    const cache = new HyperCache(node, node.cache('default'));
    const registry = new Registry();
    const takeOff = registerHyperCacheMetrics(cache, { registry });
    await cache.set('a', 1);
    await registry.metrics();
    await cache.set('a', 2);

    await eventually(async () => expect(await registry.metrics()).toContain('kind="set"} 2'));

    takeOff();
    await expect(registry.metrics()).resolves.toBe('\n');
    expect(() => registerHyperCacheMetrics(cache, { registry })).not.toThrow();
  });

  it('shows every metric somewhere in a cluster', async () => {
    const primary = await clusters.primary();
    const { node, cache } = await clusters.secondary(primary, { asyncRequests: true });
    await cache.set('a', 1);
    await node.flush();
    await primary.cache('default').set('b', 1);
    const texts = [];
    for (const each of [primary, node]) {
      const registry = new Registry();
      registerHyperCacheMetrics(new HyperCache(each, each.cache('default')), { registry });
      texts.push(...linesOf(await registry.metrics()));
    }

    const shown = new Set(texts.map((line) => /^\w+/.exec(line)?.[0]));
    expect(METRICS.map(({ name }) => name).filter((name) => !shown.has(name))).toEqual([]);
  });

  it('shows of a node only what it has: a primary is no replica that is not connected', async () => {
    const primary = await clusters.primary();
    const { node } = await clusters.secondary(primary);
    const [ofPrimary, ofSecondary] = await Promise.all(
      [primary, node].map((each) => {
        const registry = new Registry();
        registerHyperCacheMetrics(new HyperCache(each, each.cache('default')), { registry });
        return registry.metrics();
      }),
    );

    const ofReplicas = /^hypercache_(replica_|outbox_|dead_letters)/m;
    const ofPrimaries = /^hypercache_(replicas|locks_held|max_bytes)/m;
    expect(ofPrimary).not.toMatch(ofReplicas);
    expect(ofPrimary).toMatch(ofPrimaries);
    expect(ofSecondary).toMatch(ofReplicas);
    expect(ofSecondary).not.toMatch(ofPrimaries);
  });

  it('shows how long factories took, until it is taken off', async () => {
    const node = await startNode();
    const cache = new HyperCache(node, node.cache('shop'));
    const registry = new Registry();
    const takeOff = registerHyperCacheMetrics(cache, { registry });
    await cache.wrap('a', () => 1);
    await expect(cache.wrap('b', () => Promise.reject(new Error('down')))).rejects.toThrow('down');

    const text = await registry.metrics();
    takeOff();
    await cache.wrap('c', () => 1);

    const labels = 'namespace="shop",reason="miss"';
    expect(text).toContain(`hypercache_factory_duration_seconds_count{${labels}} 2`);
    expect(text).toContain(`hypercache_factory_duration_seconds_bucket{le="10",${labels}} 2`);
    expect(await registry.metrics()).toBe('\n');
  });

  it('refuses a registry that has them, or is none', async () => {
    const node = await startNode();
    const cache = new HyperCache(node, node.cache('default'));
    const registry = new Registry();
    registerHyperCacheMetrics(cache, { registry });

    for (const wrong of [registry, undefined, {}] as never[]) {
      expect(() => registerHyperCacheMetrics(cache, { registry: wrong })).toThrow(
        expect.objectContaining({ code: 'HC_ARGUMENT_INVALID' }),
      );
    }
  });
});
