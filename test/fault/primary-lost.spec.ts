import { describe, expect, it } from '@jest/globals';
import { campaign } from '../support/campaign.js';
import { freePort, statsOf, useProcessClusters } from '../support/cluster-processes.js';
import { useDirectClusters } from '../support/clusters.js';
import { eventually } from '../support/eventually.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const TIMEOUT_MS = 500;
/** Three heartbeats, and what a busy machine needs to notice. */
const NOTICED_MS = 3000 + 1500;
const MARGIN_MS = 1000;

describe('A primary that is lost', () => {
  const processes = useProcessClusters();
  const clusters = useDirectClusters();

  it('without a word is noticed within three heartbeats, and found again', async () => {
    const port = await freePort();
    await processes.primary(port);
    const proxy = await TcpProxy.open(port, campaign.seed);
    try {
      const secondary = await processes.secondary('first', proxy.port, { timeout: TIMEOUT_MS });
      const { process } = secondary;
      await process.ask('cache', 'set', 'key', 'value');
      await proxy.begin({ kind: 'halfOpen' });
      const startedAt = performance.now();
      const codes: string[] = [];
      for (const ask of [
        () => process.ask('cache', 'increment', 'n'),
        () => process.ask('cache', 'set', 'key', 'other'),
      ]) {
        const askedAt = performance.now();
        await ask().catch((error: unknown) => codes.push(String(Object(error).code)));
        expect(performance.now() - askedAt).toBeLessThan(TIMEOUT_MS + MARGIN_MS);
      }
      await eventually(async () =>
        expect(await statsOf(secondary)).toMatchObject({ replica: { isConnected: false } }),
      );
      const noticedMs = performance.now() - startedAt;

      expect(noticedMs).toBeLessThan(NOTICED_MS);
      expect(codes).toEqual(['HC_PRIMARY_TIMEOUT', 'HC_PRIMARY_TIMEOUT']);
      expect((await process.ask('cache', 'get', 'key')).value).toBe('value');
      await proxy.heal();
      await eventually(async () => {
        expect(await statsOf(secondary)).toMatchObject({ replica: { isConnected: true } });
        await process.ask('cache', 'set', 'key', 'after');
      });
      expect((await process.ask('cache', 'get', 'key')).value).toBe('after');
    } finally {
      await proxy.close();
    }
  });

  it('is told once, with few lines, and no lock is granted by anybody else', async () => {
    const lines: unknown[] = [];
    const note = (line: unknown): void => void lines.push(line);
    const primary = await clusters.primary();
    const { node, cache, client } = await clusters.secondary(primary, {
      logger: { log: note, warn: note, error: note },
    });
    const events: string[] = [];
    node.on('replica:lost', ({ error }) => events.push(`lost ${error.code}`));
    node.on('replica:connected', () => events.push('connected'));
    await cache.set('key', 'value');
    lines.length = 0;
    client.endpoint = undefined;
    client.cut();
    await eventually(() => expect(events).toEqual(['lost HC_PRIMARY_UNREACHABLE']));
    const codes = new Set<string>();
    for (let i = 0; i < 200; i++) {
      const attempts = [
        cache.set(`key${i}`, i),
        cache.increment('n', 1),
        node.locks.lock('lock', { ttl: 1000 }).acquire(),
      ];
      for (const { status, ...settled } of await Promise.allSettled(attempts)) {
        codes.add(status === 'fulfilled' ? 'granted' : String(Object(settled).reason?.code));
      }
    }

    expect(Array.from(codes)).toEqual(['HC_PRIMARY_UNREACHABLE']);
    expect(lines.length).toBeLessThan(5);
    expect(await cache.get('key')).toBe('value');
    client.endpoint = primary.sync;
    await eventually(() => expect(events).toEqual(['lost HC_PRIMARY_UNREACHABLE', 'connected']));
    await eventually(() => cache.set('key', 'after'));
    expect(await node.locks.lock('lock', { ttl: 1000 }).acquire()).toBe(true);
    expect(lines.length).toBeLessThan(6);
    expect(await node.stats()).toMatchObject({ replica: { connected: 2, lost: 1 } });
  });
});
