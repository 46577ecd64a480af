import { afterEach, describe, expect, it } from '@jest/globals';
import { SERVER_RIGHTS } from '../../lib/redis/scripts/rights.js';
import { SCRIPTS } from '../../lib/redis/scripts.js';
import { eventually } from '../support/eventually.js';
import { documentedRights } from '../support/redis-acl.js';
import { PROGRAM, useRedis } from '../support/redis-nodes.js';

const KEYS = ['~{hc:*', '~{hc!*', '~hc!*'];

(PROGRAM === undefined ? describe.skip : describe)('A node whose server is unfit', () => {
  const cluster = useRedis();
  const unfit = { code: 'HC_SERVER_UNFIT' };
  const as = 'cache';

  afterEach(() => {
    cluster.server.cli('ACL', 'DELUSER', as);
    cluster.server.cli('CONFIG', 'SET', 'maxmemory', '0', 'maxmemory-policy', 'noeviction');
    cluster.server.cli('REPLICAOF', 'NO', 'ONE');
  });

  function allow(rights: readonly string[], keys: readonly string[] = KEYS): void {
    const granted = rights.map((right) => `+${right}`);
    const done = cluster.server.cli(
      'ACL',
      'SETUSER',
      as,
      'reset',
      'on',
      '>secret',
      ...keys,
      '-@all',
      ...granted,
    );
    expect(done).toBe('OK');
  }
  const start = () => cluster.node({ username: as, password: 'secret' });

  it('starts with the rights that are listed, and needs no other', async () => {
    allow(SERVER_RIGHTS);
    const node = await start();
    const cache = node.cache('n');

    await cache.set('key', 1, { tags: ['tag'] });
    await cache.set('plain', 1);
    expect(await cache.get('key')).toBe(1);
    expect(await cache.add('key', 2)).toBe(false);
    expect(await cache.increment('count', 1)).toBe(1);
    expect(await cache.touch('key', 60_000)).toBe(true);
    expect((await cache.wrap('made', () => 3)).value).toBe(3);
    const keys: string[] = [];
    for await (const key of cache.keys('')) keys.push(key);
    expect(keys).toHaveLength(4);
    expect(await cache.deleteTag('tag')).toBe(1);
    expect(await cache.deletePrefix('pl')).toBe(1);
    await cache.expire('made');
    await cache.expireTag('tag');
    await cache.pull('count');
    await cache.clear();
    const lock = node.locks.lock('lock', { ttl: 5000 });
    expect(await lock.acquire()).toBe(true);
    expect(await lock.extend(5000)).toBe(true);
    const waiting = node.locks.lock('lock', { ttl: 5000 });
    const acquired = waiting.acquire({ wait: 5000 });
    await lock.release();
    expect(await acquired).toBe(true);
    await waiting.forceRelease();
    expect(cluster.reported).toEqual([]);
    const denied = cluster.server.cli('ACL', 'LOG');
    expect(denied).not.toMatch(/command/);
  });

  it('tries each command that a script runs', () => {
    const run = SCRIPTS.flatMap(({ text }) =>
      Array.from(text.matchAll(/redis\.p?call\('([A-Za-z]+)'/g), ([, name = '']) =>
        name.toLowerCase(),
      ),
    );

    expect(SERVER_RIGHTS).toEqual(expect.arrayContaining(run));
    expect(documentedRights()).toEqual(
      expect.arrayContaining(SERVER_RIGHTS.map((right) => `+${right}`)),
    );
  });

  it.each(SERVER_RIGHTS)('names the right that is missing: %s', async (right) => {
    allow(SERVER_RIGHTS.filter((other) => other !== right));

    await expect(start()).rejects.toMatchObject({
      ...unfit,
      message: expect.stringContaining(`+${right}.`),
    });
  });

  it.each(KEYS)('names keys that may not be used: %s', async (pattern) => {
    allow(
      SERVER_RIGHTS,
      KEYS.filter((other) => other !== pattern),
    );

    await expect(start()).rejects.toMatchObject({
      ...unfit,
      message: expect.stringContaining(pattern),
    });
  });

  it('refuses a wrong password, and does not tell it', async () => {
    allow(SERVER_RIGHTS);
    const starting = cluster.node({ username: as, password: 'not-this-one' });

    const error: unknown = await starting.catch((caught: unknown) => caught);

    expect(error).toMatchObject(unfit);
    expect(String(error)).not.toContain('not-this-one');
  });

  it("refuses a replica's address", async () => {
    cluster.server.cli('REPLICAOF', '127.0.0.1', '1');

    await expect(cluster.node()).rejects.toMatchObject({
      ...unfit,
      message: expect.stringContaining('replica'),
    });
  });

  it('refuses a server that may evict locks', async () => {
    cluster.server.cli('CONFIG', 'SET', 'maxmemory', '1gb', 'maxmemory-policy', 'allkeys-lru');

    await expect(cluster.node()).rejects.toMatchObject({
      ...unfit,
      message: expect.stringContaining('volatile-lru'),
    });
  });

  it('says that nothing answers', async () => {
    const starting = cluster.node({ url: 'redis://127.0.0.1:1' });

    await expect(starting).rejects.toMatchObject({ code: 'HC_SERVER_UNREACHABLE' });
  });

  it('reports the right that is taken away while it runs, and goes on when it is back', async () => {
    allow(SERVER_RIGHTS);
    const node = await start();
    await node.cache('n').set('key', 1, { tags: ['tag'] });
    allow(SERVER_RIGHTS.filter((right) => right !== 'incrby'));

    const store = () => node.cache('n').set('key', 2, { tags: ['tag'] });
    await expect(store()).rejects.toMatchObject(unfit);

    allow(SERVER_RIGHTS);
    await eventually(store);
    expect(await node.cache('n').get('key')).toBe(2);
  });
});
