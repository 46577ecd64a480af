import { describe, expect, it } from '@jest/globals';
import { PrimaryTimeoutError } from '../../../lib/common/errors.js';
import type { SyncEndpoint } from '../../../lib/cluster/wire/sync-endpoint.js';
import { useDirectClusters } from '../../support/clusters.js';
import { eventually } from '../../support/eventually.js';

const clusters = useDirectClusters();

function through(
  endpoint: SyncEndpoint,
  exchange: (request: Buffer) => Promise<Buffer>,
): SyncEndpoint {
  return {
    feed: (request, sink) => endpoint.feed(request, sink),
    wait: (request, sink) => endpoint.wait(request, sink),
    exchange,
  };
}

describe('a request to the primary', () => {
  it('that the network brings a second time is not executed again', async () => {
    const primary = await clusters.primary();
    const { cache, client } = await clusters.secondary(primary);
    const endpoint = primary.sync as SyncEndpoint;
    const again: Promise<unknown>[] = [];
    client.endpoint = through(endpoint, (request) => {
      const answer = endpoint.exchange(request);
      again.push(endpoint.exchange(request).catch((error: unknown) => error));
      return answer;
    });
    await cache.increment('n', 1);
    await cache.increment('n', 1);

    expect(await primary.cache('default').get('n')).toBe(2);
    for (const answer of again) {
      await expect(answer).resolves.toMatchObject({ code: 'HC_OUT_OF_ORDER' });
    }
  });

  it('that comes when its sender has given it up and gone on is not executed', async () => {
    const primary = await clusters.primary();
    const { cache, client } = await clusters.secondary(primary);
    const endpoint = primary.sync as SyncEndpoint;
    let late: Buffer | undefined;
    client.endpoint = through(endpoint, async (request) => {
      late = request;
      throw new PrimaryTimeoutError('http://direct', 'it is still on its way');
    });
    await expect(cache.set('a', 'first')).rejects.toMatchObject({ code: 'HC_PRIMARY_TIMEOUT' });
    client.endpoint = endpoint;
    await eventually(() => cache.set('a', 'second'));

    await expect(endpoint.exchange(late ?? Buffer.alloc(0))).rejects.toMatchObject({
      code: 'HC_OUT_OF_ORDER',
    });
    expect(await primary.cache('default').get('a')).toBe('second');
  });
});
