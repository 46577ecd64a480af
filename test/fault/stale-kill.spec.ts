import { describe, expect, it } from '@jest/globals';
import { freePort, settled, useProcessClusters } from '../support/cluster-processes.js';
import { eventually } from '../support/eventually.js';
import { hyperCacheOn } from '../support/hyper-caches.js';
import { NodeProcess } from '../support/node-process.js';
import { useNodes } from '../support/nodes.js';
import { useTemporaryDirectories } from '../support/temporary-directory.js';

const fails = (): never => {
  throw new Error('the origin is down');
};

const POLICY = { ttl: '1m', grace: '1h' } as const;

describe('A process that is killed while its origin is down', () => {
  const startNode = useNodes();
  const directory = useTemporaryDirectories();

  it('leaves stale values to the next one, and deletions too', async () => {
    const sqlitePath = directory();
    const killed = await NodeProcess.start('remote', { options: { sqlitePath } });
    const policy = { ttl: 1, grace: '1h' } as const;
    await killed.ask('cache', 'set', 'kept', 'old', policy);
    await killed.ask('cache', 'set', 'deleted', 'old', policy);
    await killed.ask('cache', 'del', 'deleted');
    await killed.ask('cache', 'set', 'expired', 'old', { ttl: '1h', grace: '1h' });
    await killed.ask('cache', 'expire', 'expired');
    await killed.kill();

    const cache = hyperCacheOn(await startNode({ sqlitePath }));

    await eventually(async () => expect(await cache.get('kept')).toBeUndefined());
    await expect(cache.wrapEntry('kept', fails, POLICY)).resolves.toMatchObject({
      value: 'old',
      isStale: true,
      reason: 'error',
    });
    await expect(cache.wrap('expired', fails, POLICY)).resolves.toBe('old');
    await expect(cache.wrap('deleted', fails, POLICY)).rejects.toThrow('the origin is down');
    await expect(cache.wrap('kept', () => 'new', { fresh: true, ttl: '1h' })).resolves.toBe('new');
    await expect(cache.get('kept')).resolves.toBe('new');
  });

  const clusters = useProcessClusters();

  it('leaves them to all nodes of a cluster when it was the primary', async () => {
    const port = await freePort();
    const killed = await clusters.primary(port);
    const secondaries = [
      await clusters.secondary('first', port),
      await clusters.secondary('second', port),
    ];
    const policy = { ttl: 1, grace: '1h' } as const;
    const { process } = killed;
    await process.ask('cache', 'set', 'kept', 'old', policy);
    await process.ask('cache', 'set', 'deleted', 'old', policy);
    await process.ask('cache', 'del', 'deleted');
    await settled(killed, secondaries);
    await process.kill();
    const restarted = await clusters.primary(port, killed.directory);
    await settled(restarted, secondaries);

    for (const member of [restarted, ...secondaries]) {
      const wrap = (key: string) => member.process.ask('member', 'wrapWhileDown', key, POLICY);
      const served = await wrap('kept');
      expect(served.value).toMatchObject({ value: 'old', isStale: true });
      await expect(wrap('deleted')).rejects.toThrow('the origin is down');
    }
  });
});
