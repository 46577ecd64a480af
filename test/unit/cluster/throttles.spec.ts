import { describe, expect, it } from '@jest/globals';
import type { ThrottleOptions } from '../../../lib/node/throttles.js';
import { useDirectClusters } from '../../support/clusters.js';
import { eventually } from '../../support/eventually.js';
import { ManualClock } from '../../support/manual-clock.js';

const BLOCKING: ThrottleOptions = { limit: 1, ttl: 60_000, blockDuration: 60_000 };

describe('throttles of a secondary', () => {
  const clusters = useDirectClusters();

  async function start() {
    const primary = await clusters.primary();
    const clock = new ManualClock();
    const { node, client } = await clusters.secondary(primary, {}, { clock });
    return { primary, clock, node, client };
  }

  it('travel together, those of one turn in one request', async () => {
    const { node, client } = await start();
    const before = client.exchanges;
    const hits = Array.from({ length: 200 }, (_, i) => node.throttles.throttle(`${i}`, BLOCKING));
    for (const { totalHits } of await Promise.all(hits)) expect(totalHits).toBe(1);
    expect(client.exchanges - before).toBe(1);
  });

  it('are decided on the primary: of several nodes together the limit passes', async () => {
    const { primary, node } = await start();
    const { node: other } = await clusters.secondary(primary);
    const options = { limit: 5, ttl: 60_000 };
    const hits = Array.from({ length: 300 }, (_, i) =>
      [primary, node, other][i % 3]?.throttles.throttle('key', options),
    );
    const passed = (await Promise.all(hits)).filter((hit) => hit?.isBlocked === false);
    expect(passed).toHaveLength(5);
  });

  it('answer for a known block without a request, as it is by then', async () => {
    const { node, client, clock } = await start();
    for (let i = 0; i < 2; i++) await node.throttles.throttle('key', BLOCKING);
    const before = client.exchanges;
    clock.advance(900);
    for (let i = 0; i < 1000; i++) {
      const { isBlocked, timeToBlockExpire } = await node.throttles.throttle('key', BLOCKING);
      expect({ isBlocked, timeToBlockExpire }).toEqual({
        isBlocked: true,
        timeToBlockExpire: 59_100,
      });
    }
    expect(client.exchanges).toBe(before);
    // Other limits are another question.
    expect(
      await node.throttles.throttle('key', { ...BLOCKING, limit: 3, blockDuration: 0 }),
    ).toMatchObject({ isBlocked: false });
    expect(client.exchanges).toBe(before + 1);
  });

  it('learn within a second that a block was reset elsewhere, and at once that it was here', async () => {
    const { primary, node, clock } = await start();
    const hit = () => node.throttles.throttle('key', BLOCKING);
    for (let i = 0; i < 2; i++) await hit();
    await primary.throttles.reset('key');
    expect(await hit()).toMatchObject({ isBlocked: true });
    clock.advance(1000);
    expect(await hit()).toMatchObject({ isBlocked: false, totalHits: 1 });
    expect(await hit()).toMatchObject({ isBlocked: true });
    expect(await node.throttles.reset('key')).toBe(true);
    expect(await hit()).toMatchObject({ isBlocked: false, totalHits: 1 });
  });

  it('remember a bounded number of blocks', async () => {
    const { node, client } = await start();
    const options = { limit: 0, ttl: 60_000 };
    for (let turn = 0; turn < 11; turn++) {
      await Promise.all(
        Array.from({ length: 1000 }, (_, i) => node.throttles.throttle(`${turn} ${i}`, options)),
      );
    }
    const before = client.exchanges;
    await node.throttles.throttle('10 999', options);
    expect(client.exchanges).toBe(before);
    await node.throttles.throttle('0 0', options);
    expect(client.exchanges).toBe(before + 1);
  });

  it('let nobody wait for a primary that is away, tell it once, and find it again', async () => {
    const { primary, node, client } = await start();
    const told: string[] = [];
    node.on('error', ({ during }) => told.push(during));
    const { endpoint } = client;
    client.endpoint = undefined;
    const local: ThrottleOptions = { ...BLOCKING, onUnavailable: 'local' };
    expect(await node.throttles.throttle('key', local)).toMatchObject({ totalHits: 1 });
    expect(await node.throttles.throttle('key', local)).toMatchObject({ isBlocked: true });
    await expect(node.throttles.throttle('key', BLOCKING)).rejects.toMatchObject({
      code: 'HC_PRIMARY_UNREACHABLE',
    });
    const allow: ThrottleOptions = { ...BLOCKING, onUnavailable: 'allow' };
    expect(await node.throttles.throttle('key', allow)).toMatchObject({ isBlocked: false });
    expect(told.filter((during) => during.includes('throttled'))).toHaveLength(1);

    client.endpoint = endpoint;
    // What was counted here is forgotten, and the primary counts on.
    await eventually(async () => {
      await node.throttles.throttle('probe', allow);
      expect((await node.throttles.throttle('fresh', local)).totalHits).toBeGreaterThan(0);
      const known = await primary.throttles.throttle('fresh', { ...BLOCKING, limit: 1000 });
      expect(known.totalHits).toBeGreaterThan(1);
    });
  });
});

describe('throttles of a primary whose file is lost', () => {
  const clusters = useDirectClusters();

  it('are counted in memory, and nothing ends the process', async () => {
    const primary = await clusters.primary();
    await primary.close();
    const local: ThrottleOptions = { ...BLOCKING, onUnavailable: 'local' };
    expect(await primary.throttles.throttle('key', local)).toMatchObject({ isBlocked: false });
    expect(await primary.throttles.throttle('key', local)).toMatchObject({ isBlocked: true });
    await expect(primary.throttles.throttle('key', BLOCKING)).rejects.toMatchObject({
      code: 'HC_CLOSED',
    });
    await expect(primary.throttles.reset('key')).rejects.toMatchObject({ code: 'HC_CLOSED' });
  });
});
