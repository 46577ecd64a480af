import { afterEach, describe, expect, it } from '@jest/globals';
import { L1 } from '../../lib/memory/l1.js';
import type { HyperCacheNode } from '../../lib/node/hyper-cache-node.js';
import { ClientLink } from '../../lib/redis/client-link.js';
import type { EntryHead } from '../../lib/redis/entry-format.js';
import type { Reply } from '../../lib/redis/redis-link.js';
import { STORE } from '../../lib/redis/scripts/store.js';
import { Space } from '../../lib/redis/space.js';
import { eventually } from '../support/eventually.js';
import { PROGRAM, useRedis } from '../support/redis-nodes.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const RACES = 300;
const ENTRY = '{hc:n:00}:e:key';
/** Of the entry of a plain set: its header, and the value. */
const LENGTH_OF_SET = String(72 + 'set'.length);
const SOON = { timeoutMs: 1000 };

type Pair = readonly [mine: HyperCacheNode, other: HyperCacheNode];

(PROGRAM === undefined ? describe.skip : describe)(
  'What nodes of one server do to each other',
  () => {
    const cluster = useRedis();
    const pair = async (): Promise<Pair> => [await cluster.node(), await cluster.node()];

    async function changeLeavesMemory([mine, other]: Pair): Promise<void> {
      await other.cache('n').set('key', 1);
      await mine.cache('n').get('key');
      await other.cache('n').set('key', 2);
      await eventually(async () => expect(await mine.cache('n').get('key')).toBe(2), SOON);
    }

    async function overtakenReadIsNotKept([mine, other]: Pair): Promise<void> {
      const keys = Array.from({ length: RACES }, (_, i) => `key-${i}`);
      for (const key of keys) {
        await other.cache('n').set(key, 'old');
        await Promise.all([mine.cache('n').get(key), other.cache('n').set(key, 'new')]);
      }
      await eventually(async () => {
        const values = await mine.cache('n').mget(keys);
        expect(values.filter((value) => value !== 'new')).toEqual([]);
      }, SOON);
    }

    async function lostVersionIsAMiss([mine, other]: Pair): Promise<void> {
      await other.cache('n').set('key', 1, { tags: ['tag'] });
      cluster.server.cli('DEL', '{hc:n:00}:t:tag');
      expect(await mine.cache('n').get('key')).toBeUndefined();
      await other.cache('n').set('another', 1, { tags: ['tag'] });
      expect(await mine.cache('n').get('key')).toBeUndefined();
    }

    async function setAfterClearIsThere([mine, other]: Pair): Promise<void> {
      let lost = 0;
      for (let i = 0; i < RACES; i++) {
        await mine.cache('n').get('key');
        await other.cache('n').clear();
        await mine.cache('n').set('key', i);
        if ((await other.cache('n').get('key')) !== i) lost++;
      }
      expect(lost).toBe(0);
    }

    it('takes what another node has changed out of memory', async () =>
      changeLeavesMemory(await pair()));
    it('keeps no read that a change has overtaken', async () =>
      overtakenReadIsNotKept(await pair()));
    it('takes an entry for missing when the version of its tag was lost', async () =>
      lostVersionIsAMiss(await pair()));
    it('stores a set that comes after a clear that the node does not know of', async () =>
      setAfterClearIsThere(await pair()));

    describe('A set that a clear keeps out of sight', () => {
      const proxies: TcpProxy[] = [];
      afterEach(async () => {
        for (const proxy of proxies.splice(0)) await proxy.close();
      });

      /** Another node has cleared, and the first does not know of it for a while. */
      async function behind(): Promise<Pair> {
        const proxy = await TcpProxy.open(cluster.server.port, 1);
        proxies.push(proxy);
        const mine = await cluster.node({ url: `redis://127.0.0.1:${proxy.port}` });
        const other = await cluster.node();
        await mine.cache('n').set('key', 'before');
        await mine.cache('n').get('key');
        await proxy.begin({ kind: 'delay', ms: 50 });
        await other.cache('n').clear();
        return [mine, other];
      }

      it('comes after what others have stored meanwhile', async () => {
        const [mine, other] = await behind();
        const setting = mine.cache('n').set('key', 'set');
        await eventually(() => expect(cluster.server.cli('STRLEN', ENTRY)).toBe(LENGTH_OF_SET));
        const isAdded = await other.cache('n').add('key', 'added');
        await setting;

        expect(isAdded).toBe(true);
        expect(await other.cache('n').get('key')).toBe('set');
      });

      const LATER: readonly [string, (node: HyperCacheNode) => Promise<unknown>, unknown][] = [
        ['deletion', (node) => node.cache('n').delete('key'), undefined],
        ['clear', (node) => node.cache('n').clear(), undefined],
        ['deletion by prefix', (node) => node.cache('n').deletePrefix('k'), undefined],
        ['set', (node) => node.cache('n').set('key', 'later'), 'later'],
        ['tagged set', (node) => node.cache('n').set('key', 'later', { tags: ['x'] }), 'later'],
      ];

      it.each(LATER)('stays before a later %s of its own node', async (_what, change, after) => {
        const [mine, other] = await behind();
        await Promise.all([mine.cache('n').set('key', 'set'), change(mine)]);

        expect(await other.cache('n').get('key')).toBe(after);
      });
    });

    /** Each with a promise of the engine broken: the check must notice. */
    const SABOTAGES: readonly (readonly [
      name: string,
      sabotage: () => () => void,
      check: (nodes: Pair) => Promise<void>,
    ])[] = [
      [
        'an invalidation is ignored',
        () => replace(ClientLink.prototype, 'onInvalidate', () => () => undefined),
        changeLeavesMemory,
      ],
      [
        'reads have no tickets',
        () => replace(L1.prototype, 'redeem', () => true),
        overtakenReadIsNotKept,
      ],
      [
        'tags are judged by order',
        () => replace(Space.prototype, 'isValid', isValidByOrder),
        lostVersionIsAMiss,
      ],
      [
        'there is no second write',
        () => replace(ClientLink.prototype, 'run', runOnce),
        setAfterClearIsThere,
      ],
    ];

    it.each(SABOTAGES)('notices when %s', async (_name, sabotage, check) => {
      const restore = sabotage();
      try {
        await expect(check(await pair())).rejects.toThrow();
      } finally {
        restore();
      }
    });
  },
);

/** Returns how to undo it. */
function replace<T, K extends keyof T>(target: T, name: K, by: T[K]): () => void {
  const before = target[name];
  target[name] = by;
  return () => {
    target[name] = before;
  };
}

/** A version that is missing counts as the first. */
async function isValidByOrder(this: Space, { generation, tags }: EntryHead): Promise<boolean> {
  if ((await this.prepare()) !== generation) return false;
  const link = Reflect.get(this, 'commands') as ClientLink;
  for (const { tag, version } of tags) {
    const found = await link.call(['GET', this.keys.tag(tag)]);
    if (Number(String(found ?? 0)) > Number(version)) return false;
  }
  return true;
}

const { run } = ClientLink.prototype;

/** Of the values of this suite none is stored by a script but one that is stored again. */
function runOnce(this: ClientLink, ...call: Parameters<ClientLink['run']>): Promise<Reply> {
  const [script] = call;
  return script === STORE ? Promise.resolve([1, '0']) : run.apply(this, call);
}
