import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { HyperCacheNode } from '../../lib/node/hyper-cache-node.js';
import type { RedisOptions } from '../../lib/redis/index.js';
import { eventually } from '../support/eventually.js';
import { isLinked, PROGRAM, sessionsOf, useRedis } from '../support/redis-nodes.js';
import { Sentinel } from '../support/redis-sentinels.js';
import { RedisServer } from '../support/redis-servers.js';

const NAME = 'cache';
const UNREACHABLE = { code: 'HC_SERVER_UNREACHABLE' };
const UNFIT = { code: 'HC_SERVER_UNFIT' };
/** An election of Sentinels takes seconds. */
const FAILOVER_MS = 30_000;
const UNTIL_FAILOVER = { timeoutMs: FAILOVER_MS };

(PROGRAM === undefined ? describe.skip : describe)('A node that asks Sentinels', () => {
  const cluster = useRedis();
  const program = PROGRAM ?? '';
  let master: RedisServer;
  let replica: RedisServer;
  let sentinels: Sentinel[];

  beforeEach(() => {
    master = new RedisServer(program).start();
    replica = new RedisServer(program).start('--replicaof', '127.0.0.1', String(master.port));
    sentinels = Array.from({ length: 3 }, () => new Sentinel(program, NAME));
  });
  afterEach(() => {
    for (const one of [...sentinels, master, replica]) one.stop();
  });

  const optionsOf = (more: Partial<RedisOptions['sentinel']> = {}): RedisOptions => ({
    url: undefined,
    sentinel: { name: NAME, nodes: sentinels.map(({ address }) => address), ...more },
  });
  const addressOf = async (node: HyperCacheNode) => (await node.stats()).engine?.address;
  const watch = async (...lines: string[]): Promise<void> => {
    for (const sentinel of sentinels) sentinel.start(master, ...lines);
  };
  const untilComplete = () =>
    eventually(() => {
      for (const { found } of sentinels) expect(found).toEqual({ replicas: 1, sentinels: 3 });
      expect(replica.cli('INFO', 'replication')).toContain('master_link_status:up');
    }, UNTIL_FAILOVER);

  it(
    'serves through the promoted replica, and never again through the old master by itself',
    async () => {
      await watch();
      await untilComplete();
      const node = await cluster.node(optionsOf());
      const failovers: string[] = [];
      node.on('engine:failover', ({ address }) => failovers.push(address));
      await node.cache('n').set('key', 1);
      const before = await node.cache('n').getWithRevision('key');
      expect(await addressOf(node)).toBe(`127.0.0.1:${master.port}`);
      await eventually(() => expect(replica.cli('DBSIZE')).toBe(master.cli('DBSIZE')));

      master.stop();
      await eventually(() => node.cache('n').set('other', 2), UNTIL_FAILOVER);

      const promoted = `127.0.0.1:${replica.port}`;
      expect(await addressOf(node)).toBe(promoted);
      expect(await node.cache('n').get('key')).toBe(1);
      await node.cache('n').set('key', 3);
      const after = await node.cache('n').getWithRevision('key');
      expect(after?.revision).toBeGreaterThan(before?.revision ?? Infinity);
      expect(failovers).toEqual([promoted]);
      expect((await node.stats()).engine?.failovers).toBe(1);

      // It believes itself to be the master until a Sentinel demotes it.
      master.start();
      const sessions = await sessionsOf(node);
      replica.cli('CLIENT', 'KILL', 'TYPE', 'normal');
      await eventually(async () => expect(await sessionsOf(node)).toBeGreaterThan(sessions));
      await eventually(() => node.cache('n').set('last', 4));
      expect(await addressOf(node)).toBe(promoted);
      expect(master.cli('EXISTS', '{hc:n:00}:e:last')).toBe('0');
      expect(failovers).toEqual([promoted]);
    },
    2 * FAILOVER_MS,
  );

  it(
    'follows a majority at once when it names another master',
    async () => {
      await watch();
      await untilComplete();
      const node = await cluster.node(optionsOf());
      await node.cache('n').set('key', 1);

      expect(sentinels[0]?.cli('SENTINEL', 'FAILOVER', NAME)).toBe('OK');

      await eventually(async () => {
        expect(await addressOf(node)).toBe(`127.0.0.1:${replica.port}`);
        await node.cache('n').set('key', 2);
      }, UNTIL_FAILOVER);
    },
    2 * FAILOVER_MS,
  );

  it('does not follow a minority that names another address', async () => {
    const other = new RedisServer(program).start();
    try {
      const [first, second, third] = sentinels;
      third?.start(other);
      first?.start(master);
      second?.start(master);

      const node = await cluster.node({ ...optionsOf(), staleBound: 500 });
      await node.cache('n').set('key', 1);
      expect(await addressOf(node)).toBe(`127.0.0.1:${master.port}`);

      // Two that name different addresses are no majority either.
      second?.stop();
      await eventually(() => expect(isLinked(node)).toBe(false));
      await expect(node.cache('n').set('key', 2)).rejects.toMatchObject(UNREACHABLE);

      second?.startAgain();
      await eventually(() => node.cache('n').set('key', 3));
      expect(await addressOf(node)).toBe(`127.0.0.1:${master.port}`);
      expect(other.cli('DBSIZE')).toBe('0');
    } finally {
      other.stop();
    }
  });

  it('believes its memory for staleBound without a majority, and serves again with one', async () => {
    await watch();
    const node = await cluster.node({ ...optionsOf(), staleBound: 500, timeout: 500 });
    await node.cache('n').set('key', 1);
    await eventually(async () => {
      await node.cache('n').get('key');
      expect(node.cache('n').get('key')).toBe(1);
    });

    const [first, second] = sentinels;
    first?.signal('SIGSTOP');
    second?.signal('SIGSTOP');

    await eventually(() => expect(isLinked(node)).toBe(false));
    expect(await node.cache('n').get('key')).toBeUndefined();
    await expect(node.cache('n').set('key', 2)).rejects.toMatchObject(UNREACHABLE);
    await eventually(() => expect(cluster.reported).toContain(UNREACHABLE.code));

    first?.signal('SIGCONT');
    await eventually(() => node.cache('n').set('key', 3));
    expect(await node.cache('n').get('key')).toBe(3);
  });

  it('refuses what the Sentinels name and what is no master', async () => {
    for (const sentinel of sentinels) sentinel.start(replica);

    await expect(cluster.node(optionsOf())).rejects.toMatchObject(UNREACHABLE);
  });

  it('names the master that no Sentinel knows', async () => {
    await watch();

    const starting = cluster.node(optionsOf({ name: 'no-such-master' }));

    await expect(starting).rejects.toMatchObject({
      ...UNFIT,
      message: expect.stringContaining('"no-such-master"'),
    });
  });

  it('says which Sentinels refuse the password, and not the password', async () => {
    await watch('requirepass a-right-one', `sentinel sentinel-pass a-right-one`);
    const nodeWith = (password?: string) => cluster.node(optionsOf({ password }));

    const error: unknown = await nodeWith('a-wrong-one').catch((caught: unknown) => caught);
    expect(error).toMatchObject(UNFIT);
    expect(String(error)).toContain(`127.0.0.1:${sentinels[0]?.port}`);
    expect(JSON.stringify(error) + String(error)).not.toContain('a-wrong-one');
    await expect(nodeWith()).rejects.toMatchObject(UNFIT);

    const node = await nodeWith('a-right-one');
    await node.cache('n').set('key', 1);
    expect(await node.cache('n').get('key')).toBe(1);
  });

  it('says that the addresses are those of no Sentinel', async () => {
    const nodes = [{ host: '127.0.0.1', port: master.port }];

    await expect(cluster.node(optionsOf({ nodes }))).rejects.toMatchObject({
      ...UNFIT,
      message: expect.stringContaining('no Sentinel'),
    });
  });

  it('starts without Sentinels when it may, and serves as soon as a majority is there', async () => {
    await expect(cluster.node(optionsOf())).rejects.toMatchObject(UNREACHABLE);
    const node = await cluster.node({ ...optionsOf(), start: 'lazy' });
    expect(isLinked(node)).toBe(false);

    await watch();

    await eventually(() => node.cache('n').set('key', 1));
  });
});
