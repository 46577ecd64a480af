import { createHash } from 'node:crypto';
import { afterAll, expect } from '@jest/globals';
import { createNode } from '../../lib/node/create-node.js';
import type { HyperCacheNode } from '../../lib/node/hyper-cache-node.js';
import { redis, type RedisOptions } from '../../lib/redis/index.js';
import { ON_SERVER, type EngineUnderTest, type MakeNode } from './engine-under-test.js';
import { eventually } from './eventually.js';
import { followFrozenDate, frozenDate } from './frozen-date.js';
import { ManualClock } from './manual-clock.js';
import { aclSetUser, asDocumentedUser } from './redis-acl.js';
import { canClockServers, RedisServer, SERVER_PROGRAMS } from './redis-servers.js';

/** The server that all tests of a file share, and the nodes that were made on it. */
interface Shared {
  readonly server: RedisServer;
  readonly nodes: HyperCacheNode[];
}

const shared = new Map<string, Shared>();

afterAll(() => {
  for (const { server } of shared.values()) server.stop();
  shared.clear();
});

function sharedOn(name: string): Shared {
  const known = shared.get(name);
  if (known !== undefined) return known;
  const one: Shared = { server: new RedisServer(name.split(',')[0] ?? '').start(), nodes: [] };
  expect(one.server.cli(...aclSetUser('????????????'))).toBe('OK');
  shared.set(name, one);
  followFrozenDate(async (now, isStep) => {
    one.server.setClock(now);
    if (isStep) await reconnect(one);
  });
  return one;
}

/** The server that the tests of a file share, by the name of the engine. */
export function serverOf(name: string): RedisServer {
  return sharedOn(name).server;
}

/** Each connection reads the clock of its server first. */
async function reconnect({ server, nodes }: Shared): Promise<void> {
  const sessionsOf = async (node: HyperCacheNode) => (await node.stats()).engine?.sessions ?? 0;
  const isConnected = (node: HyperCacheNode): boolean => {
    const { isOpen, writes } = node.health();
    return isOpen && writes === undefined;
  };
  const open = nodes.filter(isConnected);
  const before = await Promise.all(open.map(sessionsOf));
  server.cli('CLIENT', 'KILL', 'TYPE', 'normal');
  await eventually(async () => {
    const after = await Promise.all(open.map(sessionsOf));
    for (const [i, node] of open.entries()) {
      expect(isConnected(node)).toBe(true);
      expect(after[i]).toBeGreaterThan(before[i] ?? 0);
    }
  });
}

/** Makes nodes on a server; those of one directory share their entries. */
const nodeOn =
  (name: string, given: RedisOptions = {}): MakeNode =>
  (options, environment) => {
    const { clock } = environment;
    const { server, nodes } = sharedOn(name);
    if (clock instanceof ManualClock) clock.onAdvance((now) => server.setClock(now));
    else server.setClock(frozenDate());
    const prefix = createHash('sha1').update(options.sqlitePath).digest('hex').slice(0, 12);
    const engine = redis({
      url: asDocumentedUser(server.url),
      prefix,
      maxPending: 200_000,
      ...given,
    });
    const node = createNode({ ...options, engine, durability: 'normal' }, environment);
    nodes.push(node);
    return node;
  };

/** A namespace in one bucket is the default. */
const BUCKETS = [4];

/** The engine on each server that is installed; says aloud when there is none. */
export const REDIS_ENGINES: readonly EngineUnderTest[] = canClockServers
  ? SERVER_PROGRAMS.flatMap((program) => [
      [program, nodeOn(program), ON_SERVER],
      ...BUCKETS.map((buckets): EngineUnderTest => {
        const name = `${program}, ${buckets} buckets`;
        return [name, nodeOn(name, { buckets }), ON_SERVER];
      }),
    ])
  : [];

if (REDIS_ENGINES.length === 0) {
  process.stderr.write(
    'Left out: the engine over Redis, because redis-server or a C compiler is not installed.\n',
  );
}
