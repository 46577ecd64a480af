import { afterEach, describe, expect, it } from '@jest/globals';
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import {
  HyperCacheInstrumentation,
  type HyperCacheInstrumentationOptions,
} from 'nestjs-hypercache/otel';
import { useDirectClusters } from '../support/clusters.js';
import { eventually } from '../support/eventually.js';
import { ManualClock } from '../support/manual-clock.js';
import { useNodes } from '../support/nodes.js';
import { useTelemetry } from '../support/otel.js';

/** Calls back within a span of an application. */
async function within(name: string, work: () => Promise<unknown>): Promise<void> {
  await trace.getTracer('an application').startActiveSpan(name, async (span) => {
    await work();
    span.end();
  });
}

describe('The spans of HyperCacheInstrumentation', () => {
  const startNode = useNodes();
  const clusters = useDirectClusters();
  const telemetry = useTelemetry();
  let instrumentation: HyperCacheInstrumentation | undefined;
  afterEach(() => instrumentation?.disable());
  const instrument = (options?: HyperCacheInstrumentationOptions): void => {
    instrumentation = new HyperCacheInstrumentation(options);
  };

  it('are one for each factory, below the span of its caller and above those of the factory', async () => {
    instrument();
    const cache = (await startNode()).cache('shop');

    await within('GET /tables', async () => {
      await cache.wrap('a secret key', () => within('SELECT', async () => 1));
    });

    const span = telemetry.span('hypercache.wrap');
    expect(span.kind).toBe(SpanKind.INTERNAL);
    expect(span.instrumentationScope.name).toBe('nestjs-hypercache');
    expect(span.attributes).toEqual({
      'hypercache.namespace': 'shop',
      'hypercache.reason': 'miss',
      'hypercache.outcome': 'stored',
    });
    const caller = telemetry.span('GET /tables');
    expect(span.parentSpanContext?.spanId).toBe(caller.spanContext().spanId);
    expect(telemetry.span('SELECT').parentSpanContext?.spanId).toBe(span.spanContext().spanId);
  });

  it('are none for hits and writes', async () => {
    instrument();
    const cache = (await startNode()).cache('shop');

    await cache.set('a', 1);
    await cache.wrap('a', () => 2);
    await cache.get('missing');

    expect(telemetry.spans()).toEqual([]);
  });

  it('say that a factory has failed, and with what', async () => {
    instrument();
    const cache = (await startNode()).cache('shop');
    const failing = cache.wrap('a', () => Promise.reject(new TypeError('the origin is down')));

    await expect(failing).rejects.toThrow(TypeError);

    const { status, attributes, events } = telemetry.span('hypercache.wrap');
    expect(status.code).toBe(SpanStatusCode.ERROR);
    expect(attributes).toMatchObject({ 'error.type': 'TypeError', 'hypercache.outcome': 'failed' });
    expect(events[0]?.attributes).toMatchObject({ 'exception.message': 'the origin is down' });
  });

  it('name the key only with recordKeys, neither in an attribute nor in an error', async () => {
    const cache = (await startNode()).cache('shop');
    const circular = (): Promise<unknown> =>
      Promise.resolve(cache.wrap('user:7', () => cache.wrap('user:7', () => 1)));
    const keys: boolean[] = [];

    for (const recordKeys of [false, true]) {
      instrument({ recordKeys });
      await expect(circular()).rejects.toThrow(/user:7/);
      instrumentation?.disable();
      const { attributes, events, status } = telemetry.spans().at(-1) ?? {};
      expect(attributes).toMatchObject({ 'error.type': 'HC_ARGUMENT_INVALID' });
      keys.push(JSON.stringify([attributes, events, status]).includes('user:7'));
    }

    expect(keys).toEqual([false, true]);
  });

  it('are roots with a link to the caller when no caller waits', async () => {
    const clock = new ManualClock();
    const node = await startNode({}, { clock });
    const cache = node.cache('shop');
    const options = { ttl: 1000, stale: 10_000 };
    await cache.wrap('a', () => 1, options);
    clock.advance(2000);
    instrument();

    await within('GET /tables', async () => {
      await cache.wrap('a', () => within('SELECT', async () => 2), options);
    });

    await eventually(() => expect(telemetry.spans()).toHaveLength(3));
    const caller = telemetry.span('GET /tables').spanContext();
    const span = telemetry.span('hypercache.wrap');
    expect(span.attributes).toMatchObject({ 'hypercache.reason': 'stale' });
    expect(span.parentSpanContext).toBeUndefined();
    expect(span.spanContext().traceId).not.toBe(caller.traceId);
    expect(span.links.map((link) => link.context.spanId)).toEqual([caller.spanId]);
    expect(telemetry.span('SELECT').parentSpanContext?.spanId).toBe(span.spanContext().spanId);
  });

  it('are one for each call that waits for the primary', async () => {
    const primary = await clusters.primary();
    const { cache } = await clusters.secondary(primary);
    instrument();

    await within('POST /tables', () => cache.add('a', 1));

    const span = telemetry.span('hypercache.forward');
    expect(span.kind).toBe(SpanKind.CLIENT);
    expect(span.attributes).toEqual({
      'hypercache.namespace': 'default',
      'hypercache.operation': 'add',
    });
    const caller = telemetry.span('POST /tables').spanContext();
    expect(span.parentSpanContext?.spanId).toBe(caller.spanId);
  });

  it('are none for what goes to the outbox', async () => {
    const primary = await clusters.primary();
    const { node, cache } = await clusters.secondary(primary, { asyncRequests: true });
    instrument();

    await cache.set('a', 1);
    await node.flush();

    expect(telemetry.spans()).toEqual([]);
  });

  it('end also when the call is refused at once', async () => {
    const primary = await clusters.primary();
    const { node, cache } = await clusters.secondary(primary);
    await node.close();
    instrument();

    await expect(cache.add('a', 1)).rejects.toMatchObject({ code: 'HC_CLOSED' });

    expect(telemetry.span('hypercache.forward').attributes).toMatchObject({
      'error.type': 'HC_CLOSED',
    });
  });

  it('end with disable(), and leave the context alone', async () => {
    instrument();
    instrumentation?.disable();
    instrumentation?.disable();
    const cache = (await startNode()).cache('shop');

    await within('GET /tables', async () => {
      await cache.wrap('a', () => within('SELECT', async () => trace.getSpan(context.active())));
    });

    expect(telemetry.spans().map(({ name }) => name)).toEqual(['SELECT', 'GET /tables']);
    instrumentation?.enable();
    await cache.wrap('b', () => 1);
    expect(telemetry.span('hypercache.wrap').attributes).toMatchObject({
      'hypercache.outcome': 'stored',
    });
  });
});
