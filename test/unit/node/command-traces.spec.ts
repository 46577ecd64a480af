import { describe, expect, it } from '@jest/globals';
import { useDirectClusters } from '../../support/clusters.js';
import { useNodes } from '../../support/nodes.js';
import { traced } from '../../support/traced.js';

const ms: unknown = expect.any(Number);

describe('the channels tracing:hypercache:command', () => {
  const startNode = useNodes();
  const clusters = useDirectClusters();

  it('tell of a write from its call until it is committed, and of no read', async () => {
    const cache = (await startNode()).cache('shop');

    const steps = await traced('command', async () => {
      await cache.set('a', 'secret value');
      await cache.get('a');
    });

    const begun = { kind: 'set', namespace: 'shop', target: 'file' };
    expect(steps).toEqual([
      ['start', begun],
      ['end', begun],
      ['asyncStart', { ...begun, ms }],
      ['asyncEnd', { ...begun, ms }],
    ]);
  });

  it('tell of a write that is refused, and why', async () => {
    const cache = (await startNode()).cache('shop');
    await cache.set('a', 'text');

    const steps = await traced('command', () =>
      expect(cache.increment('a', 1)).rejects.toThrow(/integer/),
    );

    expect(steps.map(([channel]) => channel)).toEqual([
      'start',
      'end',
      'error',
      'asyncStart',
      'asyncEnd',
    ]);
    const error: unknown = expect.objectContaining({ code: 'HC_NOT_AN_INTEGER' });
    expect(steps.at(-1)?.[1]).toMatchObject({ kind: 'increment', namespace: 'shop', error, ms });
  });

  it('end at once when the queue takes no more', async () => {
    const node = await startNode();
    const cache = node.cache('shop');
    await node.close();

    const steps = await traced('command', () =>
      expect(cache.set('a', 1)).rejects.toMatchObject({ code: 'HC_CLOSED' }),
    );

    expect(steps.map(([channel]) => channel)).toEqual(['start', 'error', 'end']);
  });

  it('change nothing of relaxed sets that take the place of one another', async () => {
    const node = await startNode({ durability: 'relaxed' });
    const cache = node.cache('shop');

    const steps = await traced('command', async () => {
      await cache.set('a', 1);
      await cache.set('a', 2);
      await node.flush();
    });

    expect(steps.map(([channel]) => channel)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd']);
    await expect(cache.getWithRevision('a')).resolves.toMatchObject({ value: 2 });
  });

  it('name no namespace for a lock', async () => {
    const node = await startNode();

    const steps = await traced('command', () => node.locks.lock('a', { ttl: 1000 }).acquire());

    expect(steps[0]?.[1]).toEqual({ kind: 'acquireLease', namespace: undefined, target: 'file' });
  });

  it('tell on a secondary what goes to the outbox, and what waits for the primary', async () => {
    const primary = await clusters.primary();
    const { node, cache } = await clusters.secondary(primary, { asyncRequests: true });

    const steps = await traced('command', async () => {
      await cache.set('a', 1);
      await cache.add('b', 1);
      await node.flush();
    });

    const ended = steps.filter(([channel]) => channel === 'asyncEnd').map(([, message]) => message);
    const one = (kind: string, target: string) => ({ kind, namespace: 'default', target, ms });
    expect(ended).toHaveLength(4);
    expect(ended).toEqual(
      expect.arrayContaining([
        one('set', 'outbox'),
        one('add', 'primary'),
        // What the primary does for it.
        one('set', 'file'),
        one('add', 'file'),
      ]),
    );
  });

  it('tell of a read that only the primary can answer', async () => {
    const primary = await clusters.primary();
    const { cache } = await clusters.secondary(primary, { replica: 'none' });

    const steps = await traced('command', () => cache.get('a'));

    expect(steps.at(-1)?.[1]).toEqual({
      kind: 'read',
      namespace: 'default',
      target: 'primary',
      ms,
    });
  });
});
