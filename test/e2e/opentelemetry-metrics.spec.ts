import { afterEach, describe, expect, it } from '@jest/globals';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { HyperCacheInstrumentation } from 'nestjs-hypercache/otel';
import { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import { FACTORY_DURATION, LOCK_WAIT_DURATION } from '../../lib/otel/durations.js';
import { INSTRUMENTS } from '../../lib/otel/instruments.js';
import { useDirectClusters } from '../support/clusters.js';
import { useNodes } from '../support/nodes.js';
import { useTelemetry } from '../support/otel.js';

describe('The metrics of HyperCacheInstrumentation', () => {
  const startNode = useNodes();
  const clusters = useDirectClusters();
  const telemetry = useTelemetry();
  const made: HyperCacheInstrumentation[] = [];
  afterEach(() => {
    for (const one of made.splice(0)) one.disable();
  });
  const instrument = (): HyperCacheInstrumentation => {
    const instrumentation = new HyperCacheInstrumentation();
    made.push(instrumentation);
    return instrumentation;
  };

  it('are the counters of a node, as often as they are asked', async () => {
    const node = await startNode();
    const cache = new HyperCache(node, node.cache('shop'));
    instrument().observe(cache);
    await cache.set('a', 1);
    await cache.get('a');
    await cache.get('missing');
    await cache.del('a');

    await telemetry.collect();
    const collected = await telemetry.collect();

    expect(collected.get('hypercache.read.count')).toEqual({
      unit: '{read}',
      points: [
        [
          1,
          { 'hypercache.namespace': 'shop', 'hypercache.result': 'hit', 'hypercache.layer': 'l1' },
        ],
        [
          0,
          { 'hypercache.namespace': 'shop', 'hypercache.result': 'hit', 'hypercache.layer': 'l2' },
        ],
        [
          0,
          {
            'hypercache.namespace': 'shop',
            'hypercache.result': 'hit',
            'hypercache.layer': 'primary',
          },
        ],
        [0, { 'hypercache.namespace': 'shop', 'hypercache.result': 'stale' }],
        [1, { 'hypercache.namespace': 'shop', 'hypercache.result': 'miss' }],
      ],
    });
    expect(collected.get('hypercache.write.count')?.points).toEqual([
      [1, { 'hypercache.namespace': 'shop', 'hypercache.operation': 'set' }],
      [1, { 'hypercache.namespace': 'shop', 'hypercache.operation': 'delete' }],
    ]);
  });

  it('are how long factories and waits for locks take, with the type of a failure', async () => {
    const node = await startNode();
    const cache = new HyperCache(node, node.cache('shop'));
    instrument();
    await cache.wrap('a', () => 1);
    await expect(cache.wrap('b', () => Promise.reject(new RangeError()))).rejects.toThrow();
    const lock = cache.lock('a secret name', { ttl: 10_000 });
    await lock.acquire();
    await cache.lock('a secret name', { ttl: 10_000 }).acquire({ wait: 0 });

    const collected = await telemetry.collect();

    const of = { 'hypercache.namespace': 'shop', 'hypercache.reason': 'miss' };
    expect(collected.get('hypercache.factory.duration')).toEqual({
      unit: 's',
      points: [
        [1, of],
        [1, { ...of, 'error.type': 'RangeError' }],
      ],
    });
    expect(collected.get('hypercache.lock.wait.duration')).toEqual({
      unit: 's',
      points: [
        [1, { 'hypercache.result': 'acquired' }],
        [1, { 'hypercache.result': 'refused' }],
      ],
    });
  });

  it('are all there in a cluster, with the attributes that they say, and no key among them', async () => {
    const primary = await clusters.primary();
    const { node, cache } = await clusters.secondary(primary, { asyncRequests: true });
    const instrumentation = instrument();
    for (const [name, each] of Object.entries({ a: primary, b: node })) {
      const observed = new HyperCache(each, each.cache('default'));
      instrumentation.observe(observed, { attributes: { 'service.instance.id': name } });
    }
    await cache.set('secret', 1);
    await cache.wrap('secret 2', () => 1);
    await node.locks.lock('secret 3', { ttl: 1000 }).acquire();

    const collected = await telemetry.collect();

    const described = [...INSTRUMENTS, FACTORY_DURATION, LOCK_WAIT_DURATION];
    expect([...collected.keys()].toSorted()).toEqual(described.map(({ name }) => name).toSorted());
    for (const { name, unit, attributes } of described) {
      const found = collected.get(name);
      const used = new Set(found?.points.flatMap(([, of]) => Object.keys(of)));
      used.delete('service.instance.id');
      expect([name, found?.unit]).toEqual([name, unit]);
      expect(attributes).toEqual(expect.arrayContaining([...used]));
    }
    expect(JSON.stringify([...collected])).not.toContain('secret');
    const connected = collected.get('hypercache.replica.connected')?.points;
    expect(connected).toEqual([[1, { 'service.instance.id': 'b' }]]);
  });

  it('go to a provider that is set later, and to no other', async () => {
    const node = await startNode();
    const instrumentation = instrument();
    const cache = new HyperCache(node, node.cache('shop'));
    const other = new MeterProvider();
    instrumentation.setMeterProvider(other);
    instrumentation.observe(cache);
    await cache.wrap('a', () => 1);
    await expect(telemetry.collect()).resolves.toEqual(new Map());

    instrumentation.setMeterProvider(telemetry.meterProvider);
    await cache.wrap('b', () => 1);

    const collected = await telemetry.collect();
    expect(collected.get('hypercache.factory.duration')?.points[0]?.[0]).toBe(1);
    expect(collected.has('hypercache.read.count')).toBe(true);
    await other.shutdown();
  });

  it('end when the node is taken off, and a closed node keeps no others from being read', async () => {
    const closed = await startNode();
    const node = await startNode();
    const instrumentation = instrument();
    instrumentation.observe(new HyperCache(closed, closed.cache('gone')));
    const takeOff = instrumentation.observe(new HyperCache(node, node.cache('shop')));
    await closed.close();

    const cache = node.cache('shop');
    await cache.get('missing');
    const before = await telemetry.collect();
    takeOff();
    await cache.get('missing');
    const after = await telemetry.collect();

    const misses = (of: typeof before) => of.get('hypercache.read.count')?.points.at(-1);
    expect(misses(before)).toEqual([
      1,
      { 'hypercache.namespace': 'shop', 'hypercache.result': 'miss' },
    ]);
    // A reader goes on to report the last numbers that it knows.
    expect(misses(after) ?? misses(before)).toEqual(misses(before));
  });

  it('refuse what is no node', () => {
    for (const wrong of [undefined, {}] as never[]) {
      expect(() => instrument().observe(wrong)).toThrow(
        expect.objectContaining({ code: 'HC_ARGUMENT_INVALID' }),
      );
    }
  });

  it('has the shape that registerInstrumentations of OpenTelemetry asks for', () => {
    const instrumentation = new HyperCacheInstrumentation({ enabled: false, recordKeys: true });
    made.push(instrumentation);

    expect(instrumentation.getConfig()).toEqual({ enabled: false, recordKeys: true });
    instrumentation.setConfig({});
    expect(instrumentation.getConfig()).toEqual({ enabled: true });
    expect(instrumentation.instrumentationName).toBe('nestjs-hypercache');
    expect(instrumentation.instrumentationVersion).toMatch(/^\d+\.\d+\.\d+/);
  });
});
