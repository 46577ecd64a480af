import { describe, expect, it } from '@jest/globals';
import type { HyperCacheNode } from '../../lib/node/hyper-cache-node.js';
import { deferred } from '../support/deferred.js';
import { eventually } from '../support/eventually.js';
import { NodeProcess } from '../support/node-process.js';
import { PROGRAM, useRedis } from '../support/redis-nodes.js';

const ENTRY = '{hc:n:00}:e:key';

(PROGRAM === undefined ? describe.skip : describe)('wrap by nodes of one server', () => {
  const cluster = useRedis();
  const cli = (...args: string[]): string => cluster.server.cli(...args);

  const REFUSED: readonly [
    name: string,
    change: (other: HyperCacheNode) => Promise<unknown>,
    after: unknown,
  ][] = [
    ['a set', (other) => other.cache('n').set('key', 'other'), 'other'],
    ['a tagged set', (other) => other.cache('n').set('key', 'other', { tags: ['x'] }), 'other'],
    ['a deletion', (other) => other.cache('n').delete('key'), undefined],
    ['a set that has ended', (other) => setAndEnd(other), undefined],
    ['a deletion and another observer', (other) => deleteAndHold(other), undefined],
    ['the end of its marker', async () => endMarker(), undefined],
    ['a deletion by prefix', (other) => other.cache('n').deletePrefix('k'), undefined],
    ['a deletion by tag', (other) => other.cache('n').deleteTag('tag'), undefined],
    ['a clear', (other) => other.cache('n').clear(), undefined],
    ['a flush', async () => cli('FLUSHALL'), undefined],
  ];

  async function setAndEnd(other: HyperCacheNode): Promise<void> {
    await other.cache('n').set('key', 'other', { ttl: 20 });
    await eventually(() => expect(cli('EXISTS', ENTRY)).toBe('0'));
  }

  /** Another caller has the right now, and goes on. */
  async function deleteAndHold(other: HyperCacheNode): Promise<void> {
    await other.cache('n').delete('key');
    const begun = deferred<void>();
    void other.cache('n').wrap('key', () => {
      begun.resolve();
      return new Promise((resolve) => setTimeout(resolve, 300, undefined).unref());
    });
    await begun.promise;
  }

  async function endMarker(): Promise<void> {
    expect(cli('GET', ENTRY)).toMatch(/^C/);
    cli('DEL', ENTRY);
  }

  it.each(REFUSED)('stores nothing that was made before %s', async (_what, change, after) => {
    const [mine, other] = [await cluster.node(), await cluster.node()];
    const [begun, made] = [deferred<void>(), deferred<string>()];
    const wrapped = mine.cache('n').wrap(
      'key',
      () => {
        begun.resolve();
        return made.promise;
      },
      { tags: ['tag'] },
    );
    await begun.promise;
    await change(other);
    made.resolve('old');

    expect((await wrapped).value).toBe('old');
    expect(await mine.cache('n').get('key')).toBe(after);
    expect(await other.cache('n').get('key')).toBe(after);
  });

  it('calls one factory for 1,000 callers', async () => {
    const nodes = await Promise.all([cluster.node(), cluster.node(), cluster.node()]);
    let calls = 0;
    const factory = async (): Promise<number> => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return ++calls;
    };

    const entries = await Promise.all(
      Array.from({ length: 1000 }, (_, i) => nodes[i % 3]?.cache('n').wrap('key', factory)),
    );

    expect(calls).toBe(1);
    expect(new Set(entries.map((entry) => entry?.value))).toEqual(new Set([1]));
  });

  it('calls the next one soon when the process of the first is killed', async () => {
    const node = await cluster.node();
    const { url } = cluster.server;
    const killed = await NodeProcess.start('redis-node', { options: {}, url });
    await killed.ask('process', 'hold', 'key');
    await eventually(() => expect(cli('GET', ENTRY)).toMatch(/^C/));
    let begunAt = 0;
    const wrapped = node.cache('n').wrap('key', () => {
      begunAt = performance.now();
      return 'next';
    });
    await killed.kill();
    const killedAt = performance.now();

    expect((await wrapped).value).toBe('next');
    expect(begunAt - killedAt).toBeLessThan(2500);
    expect(begunAt - killedAt).toBeGreaterThan(0);
  });
});
