import { describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { PrimaryTimeoutError } from '../../../lib/common/errors.js';
import type { HyperCacheNode } from '../../../lib/node/hyper-cache-node.js';
import type { SyncEndpoint } from '../../../lib/cluster/wire/sync-endpoint.js';
import { useDirectClusters, type DirectSecondary } from '../../support/clusters.js';
import { deferred } from '../../support/deferred.js';
import { eventually } from '../../support/eventually.js';
import { heardOn } from '../../support/heard-on.js';
import { runSql } from '../../support/sabotage.js';

const clusters = useDirectClusters();
const ASYNC = { asyncRequests: true } as const;
const OUTBOX = 'hypercache.outbox.sqlite';

/** A primary whose answers get lost: it does what it is asked, and nobody hears. */
function deaf(endpoint: SyncEndpoint, times: number): SyncEndpoint {
  let left = times;
  return {
    feed: (request, sink) => endpoint.feed(request, sink),
    wait: (request, sink) => endpoint.wait(request, sink),
    async exchange(request) {
      const answer = await endpoint.exchange(request);
      if (left-- > 0) throw new PrimaryTimeoutError('http://direct', 'the answer was lost');
      return answer;
    },
  };
}

/** Makes the second write's value, and the third write as a whole, unreadable. */
function damage(path: string): void {
  const file = new Database(path);
  const rows = file.prepare('SELECT sequence, command FROM outbox ORDER BY sequence').all();
  const [, second, third] = rows as { sequence: number; command: Buffer }[];
  const value = second?.command.toString('latin1').replace('{"key"', '!"key"') ?? '';
  const update = file.prepare('UPDATE outbox SET command = ? WHERE sequence = ?');
  update.run(Buffer.from(value, 'latin1'), second?.sequence);
  update.run(Buffer.from([0xff]), third?.sequence);
  file.close();
}

async function outboxOf({ node }: DirectSecondary) {
  return (await node.stats()).outbox;
}

describe('an asynchronous write', () => {
  it('resolves while the primary is away, is seen here at once, and arrives when it is back', async () => {
    const primary = await clusters.primary();
    const secondary = await clusters.secondary(primary, ASYNC);
    const { cache, client, node } = secondary;
    await cache.set('gone', 1);
    await node.flush();
    client.endpoint = undefined;
    client.cut();
    await cache.set('a', { x: 1 }, { tags: ['t'] });
    expect(await cache.delete('gone')).toBe(true);

    expect(await cache.get('a')).toEqual({ x: 1 });
    expect(await cache.has('gone')).toBe(false);
    expect(await outboxOf(secondary)).toMatchObject({ entries: 2, deadLetters: 0 });
    expect(await primary.cache('default').get('a')).toBeUndefined();
    client.endpoint = primary.sync;
    await node.flush();

    expect(await primary.cache('default').mget(['a', 'gone'])).toEqual([{ x: 1 }, undefined]);
    expect(await outboxOf(secondary)).toMatchObject({ entries: 0, bytes: 0 });
    expect(await cache.get('a')).toEqual({ x: 1 });
  });

  it('survives the end of the process, and is seen by the next one before it arrives', async () => {
    const primary = await clusters.primary();
    const sqlitePath = clusters.directory();
    const first = await clusters.secondary(primary, { ...ASYNC, sqlitePath });
    await first.cache.set('kept', 'old');
    await first.node.flush();
    first.client.endpoint = undefined;
    first.client.cut();
    await first.cache.set('kept', 'new');
    await first.cache.set('more', new Date(0));
    await first.node.close();
    const second = await clusters.secondary(undefined, { ...ASYNC, sqlitePath });

    expect(await second.cache.get('kept')).toBe('new');
    expect(await second.cache.get('more')).toEqual(new Date(0));
    second.client.endpoint = primary.sync;
    await second.node.flush();
    expect(await primary.cache('default').mget(['kept', 'more'])).toEqual(['new', new Date(0)]);
  });

  it('is not replaced by one of another namespace, whatever characters the names hold', async () => {
    const primary = await clusters.primary();
    const { node, client } = await clusters.secondary(primary, ASYNC);
    client.endpoint = undefined;
    client.cut();
    await node.cache('a').set('b\0c', 'first');
    await node.cache('a\0b').set('c', 'second');
    client.endpoint = primary.sync;
    await node.flush();

    expect(await primary.cache('a').get('b\0c')).toBe('first');
    expect(await primary.cache('a\0b').get('c')).toBe('second');
  });

  it('is done once, however often it is sent', async () => {
    const primary = await clusters.primary();
    const { cache, client, node } = await clusters.secondary(primary, ASYNC);
    const own = primary.cache('default');
    client.endpoint = deaf(primary.sync as SyncEndpoint, 3);
    await cache.set('a', 'first');
    await eventually(async () => expect(await own.get('a')).toBe('first'));
    await own.set('a', 'newer');
    await node.flush();

    expect(await own.get('a')).toBe('newer');
    await eventually(async () => expect(await cache.get('a')).toBe('newer'));
  });

  it('goes before what waits for an answer', async () => {
    const primary = await clusters.primary();
    const { cache } = await clusters.secondary(primary, ASYNC);
    void cache.set('n', 5);

    expect(await cache.increment('n', 1)).toBe(6);
    void cache.delete('n');
    expect(await cache.add('n', 'added')).toBe(true);
    expect(await cache.get('n')).toBe('added');
  });

  it('is replaced by a newer one of its key while the primary is away', async () => {
    const primary = await clusters.primary();
    const secondary = await clusters.secondary(primary, ASYNC);
    const { cache, client, node } = secondary;
    client.endpoint = undefined;
    client.cut();
    await cache.set('first', 0);
    for (let i = 0; i < 20; i++) await cache.set('a', i);
    // The first of them may have been on its way when the primary was found to be away.
    expect((await outboxOf(secondary))?.entries).toBeLessThanOrEqual(4);
    client.endpoint = primary.sync;
    await node.flush();

    expect(await primary.cache('default').get('a')).toBe(19);
  });

  it('is refused when the outbox is full, and nothing is lost', async () => {
    const primary = await clusters.primary();
    const secondary = await clusters.secondary(primary, { ...ASYNC, outboxMaxEntries: 5 });
    const { cache, client, node } = secondary;
    client.endpoint = undefined;
    client.cut();
    for (let i = 0; i < 5; i++) await cache.set(`k${i}`, i);

    await expect(cache.set('k5', 5)).rejects.toMatchObject({ code: 'HC_OUTBOX_FULL' });
    expect(await cache.get('k5')).toBeUndefined();
    client.endpoint = primary.sync;
    await node.flush();
    await cache.set('k5', 5);
    await node.flush();
    expect(await primary.cache('default').mget(['k0', 'k4', 'k5'])).toEqual([0, 4, 5]);
  });

  it('that cannot be accepted takes nothing from the reads of what was accepted before it', async () => {
    const primary = await clusters.primary();
    const sqlitePath = clusters.directory();
    const before = await clusters.secondary(undefined, { ...ASYNC, sqlitePath });
    await before.node.close();
    runSql(
      join(sqlitePath, OUTBOX),
      `CREATE TRIGGER refuse BEFORE INSERT ON outbox WHEN new.sequence > 2
        BEGIN SELECT RAISE(ABORT, 'refused'); END`,
    );
    const { cache, client, node } = await clusters.secondary(undefined, { ...ASYNC, sqlitePath });
    await cache.set('a', 'accepted');
    await cache.set('b', 'accepted');
    const refused = [cache.set('a', 1), cache.set('a', 2), cache.delete('b'), cache.set('b', 3)];

    expect(await cache.mget(['a', 'b'])).toEqual([2, 3]);
    for (const write of await Promise.allSettled(refused)) expect(write.status).toBe('rejected');
    expect(await cache.mget(['a', 'b'])).toEqual(['accepted', 'accepted']);
    client.endpoint = primary.sync;
    await node.flush();
    expect(await cache.mget(['a', 'b'])).toEqual(['accepted', 'accepted']);
    await primary.cache('default').set('a', 'newer');
    await eventually(async () => expect(await cache.get('a')).toBe('newer'));
  });

  it("waits for room with outboxFull: 'block'", async () => {
    const primary = await clusters.primary();
    const { cache, client, node } = await clusters.secondary(primary, {
      ...ASYNC,
      outboxMaxEntries: 5,
      outboxFull: 'block',
    });
    client.endpoint = undefined;
    client.cut();
    for (let i = 0; i < 5; i++) await cache.set(`k${i}`, i);
    const blocked = cache.set('k5', 5);
    client.endpoint = primary.sync;
    await blocked;
    await node.flush();

    expect(await primary.cache('default').get('k5')).toBe(5);
  });

  it('that the primary refuses for good becomes a dead letter, and holds nothing up', async () => {
    const primary = await clusters.primary({ maxValueSize: 1000 });
    const { cache, node } = await clusters.secondary(primary, ASYNC);
    const refused: string[] = [];
    node.on('outbox:refused', ({ key, error }) => refused.push(`${key} ${error.code}`));
    await cache.set('large', 'x'.repeat(2000));
    await cache.set('small', 1);
    await node.flush();

    expect(refused).toEqual(['large HC_VALUE_TOO_LARGE']);
    expect(await primary.cache('default').mget(['large', 'small'])).toEqual([undefined, 1]);
    expect(await cache.get('large')).toBeUndefined();
    expect(node.deadLetters(10)).toEqual([
      expect.objectContaining({ key: 'large', kind: 'set', code: 'HC_VALUE_TOO_LARGE' }),
    ]);
  });

  describe('that cannot be read, or is too large by now', () => {
    const limits = { maxValueSize: 1000 };
    const refusal = (key: string, code: string): unknown => ({
      namespace: 'default',
      key,
      error: expect.objectContaining({ code }),
    });
    const tooLarge = refusal('large', 'HC_VALUE_TOO_LARGE');

    /** A directory in which a process has left such writes, and one that is well. */
    async function leave(primary: HyperCacheNode): Promise<string> {
      const sqlitePath = clusters.directory();
      const { node, cache, client } = await clusters.secondary(primary, { ...ASYNC, sqlitePath });
      client.endpoint = undefined;
      client.cut();
      for (const key of ['large', 'value', 'command', 'small']) {
        await cache.set(key, key === 'large' ? 'x'.repeat(2000) : { key });
      }
      await node.close();
      damage(join(sqlitePath, OUTBOX));
      return sqlitePath;
    }

    it('is among the dead letters, as far as it can be', async () => {
      const primary = await clusters.primary();
      const sqlitePath = await leave(primary);
      const { node } = await clusters.secondary(primary, { ...ASYNC, ...limits, sqlitePath });
      await node.flush();

      expect(await primary.cache('default').get('small')).toEqual({ key: 'small' });
      expect(node.deadLetters(10)).toEqual([
        expect.objectContaining({ key: 'value', value: undefined }),
        expect.objectContaining({ key: 'large', value: 'x'.repeat(2000) }),
      ]);
      expect(await node.stats()).toMatchObject({ outbox: { entries: 0, deadLetters: 3 } });
    });

    it('is told of at the start, on the channel, in the log and in the count', async () => {
      const primary = await clusters.primary();
      const sqlitePath = await leave(primary);
      const lines: string[] = [];
      const note = (line: string): void => void lines.push(line);
      const logger = { log: note, warn: note, error: note };
      const heard = await heardOn('hypercache:outbox:refused', async () => {
        const { node } = await clusters.secondary(primary, {
          ...ASYNC,
          ...limits,
          sqlitePath,
          logger,
        });
        expect(await node.stats()).toMatchObject({ incidents: 3 });
      });

      expect(heard).toEqual([tooLarge, refusal('value', 'HC_VALUE_UNREADABLE')]);
      for (const code of ['HC_VALUE_TOO_LARGE', 'HC_VALUE_UNREADABLE', 'HC_ARGUMENT_INVALID']) {
        expect(lines.filter((line) => line.startsWith(code))).toHaveLength(1);
      }
    });

    it('is told of by a process that sends what another one has left', async () => {
      const primary = await clusters.primary();
      const sqlitePath = await leave(primary);
      renameSync(join(sqlitePath, OUTBOX), join(sqlitePath, 'hypercache.outbox-1.sqlite'));
      const told = await heardOn('hypercache:outbox:refused', async () => {
        const { node } = await clusters.secondary(primary, { ...ASYNC, ...limits, sqlitePath });
        const own = primary.cache('default');
        await eventually(async () => expect(await own.get('small')).toEqual({ key: 'small' }));
        expect(await node.stats()).toMatchObject({ incidents: 2 });
      });

      // Values are for those who read them: this process does not, and sends that one.
      expect(told).toEqual([tooLarge]);
    });
  });

  it('is told apart from what fails while the primary is away', async () => {
    const primary = await clusters.primary();
    const { cache, client, node } = await clusters.secondary(primary, ASYNC);
    client.endpoint = undefined;
    client.cut();
    await cache.set('a', 1);

    await expect(cache.increment('n', 1)).rejects.toMatchObject({ code: 'HC_PRIMARY_UNREACHABLE' });
    await expect(node.flush(50)).rejects.toMatchObject({ code: 'HC_PRIMARY_UNREACHABLE' });
    expect(await cache.get('a')).toBe(1);
  });

  it('is not overwritten here by an older change of the feed', async () => {
    const primary = await clusters.primary();
    const { cache, client, node } = await clusters.secondary(primary, ASYNC);
    const exchange = client.endpoint as SyncEndpoint;
    client.endpoint = {
      ...exchange,
      feed: exchange.feed.bind(exchange),
      wait: exchange.wait,
      exchange: async () => Promise.reject(new PrimaryTimeoutError('http://direct', 'held')),
    };
    await cache.set('a', 'mine');
    await primary.cache('default').set('a', 'theirs');
    const { revision } = await primary.stats();
    await eventually(async () =>
      expect((await node.stats()).revision).toBeGreaterThanOrEqual(revision),
    );

    expect(await cache.get('a')).toBe('mine');
    client.endpoint = primary.sync;
    await node.flush();
    expect(await primary.cache('default').get('a')).toBe('mine');
  });

  it('is not sent over and over when the primary goes away while the node closes', async () => {
    const primary = await clusters.primary();
    const { cache, client, node } = await clusters.secondary(primary, ASYNC);
    const endpoint = primary.sync as SyncEndpoint;
    const held = deferred<void>();
    let requests = 0;
    client.endpoint = {
      feed: (request, sink) => endpoint.feed(request, sink),
      wait: (request, sink) => endpoint.wait(request, sink),
      async exchange() {
        requests++;
        await held.promise;
        // Without an end to it, nothing else would ever run again.
        if (requests < 1000) throw new PrimaryTimeoutError('http://direct', 'away');
        return new Promise(() => undefined);
      },
    };
    await cache.set('a', 1);
    await eventually(() => expect(requests).toBe(1));
    const closed = node.close();
    held.resolve();
    await closed;

    expect(requests).toBeLessThan(100);
  });
});

describe('the directory of a secondary', () => {
  it('may hold accepted writes that are sent by one that accepts none', async () => {
    const primary = await clusters.primary();
    const sqlitePath = clusters.directory();
    const first = await clusters.secondary(primary, { ...ASYNC, sqlitePath });
    first.client.endpoint = undefined;
    first.client.cut();
    await first.cache.set('a', 1);
    await first.node.close();
    const { node } = await clusters.secondary(primary, { sqlitePath, asyncRequests: false });
    await node.flush();

    expect(await primary.cache('default').get('a')).toBe(1);
  });
});
