import { describe, expect, it } from '@jest/globals';
import { useNodes } from '../../support/nodes.js';
import { traced } from '../../support/traced.js';

const ms: unknown = expect.any(Number);

describe('the channels tracing:hypercache:lock', () => {
  const startNode = useNodes();

  it('tell of a call for a lock until it is obtained, or not', async () => {
    const { locks } = await startNode();
    const first = locks.lock('a', { ttl: 1000 });
    const second = locks.lock('a', { ttl: 1000 });

    const steps = await traced('lock', async () => {
      await first.acquire();
      await second.acquire({ wait: 0 });
    });

    expect(steps.filter(([channel]) => channel === 'start').map(([, of]) => of)).toEqual([
      { name: 'a' },
      { name: 'a' },
    ]);
    expect(steps.filter(([channel]) => channel === 'asyncEnd').map(([, of]) => of)).toEqual([
      { name: 'a', acquired: true, ms },
      { name: 'a', acquired: false, ms },
    ]);
  });

  it('tell why a call was refused', async () => {
    const node = await startNode();
    const lock = node.locks.lock('a', { ttl: 1000 });
    await node.close();

    const steps = await traced('lock', () =>
      expect(lock.acquire()).rejects.toMatchObject({ code: 'HC_CLOSED' }),
    );

    const error: unknown = expect.objectContaining({ code: 'HC_CLOSED' });
    expect(steps.at(-1)).toEqual(['asyncEnd', { name: 'a', ms, error }]);
  });
});
