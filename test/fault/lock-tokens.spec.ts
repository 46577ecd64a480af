import { describe, expect, it } from '@jest/globals';
import { copyFileSync, mkdirSync, readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../../sample/01-single-node/src/replay/seeded-random.js';
import type { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import type { HyperCacheNode } from '../../lib/node/hyper-cache-node.js';
import { campaign } from '../support/campaign.js';
import { eventually } from '../support/eventually.js';
import { linesOf } from '../support/history.js';
import { hyperCacheOn } from '../support/hyper-caches.js';
import { useNodeProcesses } from '../support/node-process.js';
import { useNodes } from '../support/nodes.js';
import { useTemporaryDirectories } from '../support/temporary-directory.js';

/** States in which processes were killed, and losses tried on each. */
const STATES = 4 * campaign.factor;
const CUTS = 15;
const NAMES = ['a', 'b', 'c'];
const FILE = 'hypercache.sqlite';

/** The largest token of each name that processes have written down. */
function tokensIn(logs: string): Map<string, number> {
  const last = new Map<string, number>();
  for (const file of readdirSync(logs)) {
    for (const { name, token } of linesOf<{ name: string; token: number }>(join(logs, file))) {
      last.set(name, Math.max(token, last.get(name) ?? 0));
    }
  }
  return last;
}

/** Those who waited when they were killed may be served for a second more. */
function grantOf(cache: HyperCache, name: string): Promise<number> {
  return eventually(async () => {
    const lock = cache.lock(name, { ttl: 1000 });
    await lock.forceRelease();
    return lock.run(({ token }) => token);
  });
}

describe('Tokens', () => {
  const startProgram = useNodeProcesses();
  const startNode = useNodes();
  const newDirectory = useTemporaryDirectories();

  /** Processes that are killed at work; those that start later join the others at theirs. */
  async function killAtWork(home: string, processes: number, milliseconds: number): Promise<void> {
    const logs = join(home, 'logs');
    mkdirSync(logs, { recursive: true });
    const before = readdirSync(logs).length;
    const running = await Promise.all(
      Array.from({ length: processes }, async (_, i) => {
        const program = await startProgram('tokens', {
          options: { sqlitePath: join(home, 'cache') },
          log: join(logs, `${before + i}.jsonl`),
          names: NAMES,
        });
        program.send('go');
        return program;
      }),
    );
    // Counted from when all are at work, however slow the machine is.
    await eventually(() => expect(tokensIn(logs).size).toBe(NAMES.length));
    await delay(milliseconds);
    await Promise.all(running.map((program) => program.kill()));
  }

  it('grow over kills, each in the middle of its work', async () => {
    const home = newDirectory();
    for (let round = 0; round < 4; round++) await killAtWork(home, 2, 200);
    const cache = hyperCacheOn(await startNode({ sqlitePath: join(home, 'cache') }));

    const tokens = tokensIn(join(home, 'logs'));
    expect(tokens.size).toBe(NAMES.length);
    for (const [name, token] of tokens) expect(await grantOf(cache, name)).toBeGreaterThan(token);
  });

  /** The node starts with what is left of the log; the file may be damaged, and then a new one is begun. */
  async function startWithLogOf(home: string, bytes: number): Promise<HyperCacheNode> {
    const copy = newDirectory();
    for (const suffix of ['', '-wal']) {
      copyFileSync(join(home, 'cache', FILE + suffix), join(copy, FILE + suffix));
    }
    truncateSync(join(copy, `${FILE}-wal`), bytes);
    return startNode({ sqlitePath: copy });
  }

  it.each([
    ['one process has', 1],
    ['three processes, which joined each other at work, have', 3],
  ])(
    'grow when the end of the log that %s written is lost',
    async (_who, processes) => {
      const random = seededRandom(campaign.seed);
      for (let state = 0; state < STATES; state++) {
        const home = newDirectory();
        await killAtWork(home, processes, 150 + random() * 200);
        const tokens = tokensIn(join(home, 'logs'));
        expect(tokens.size).toBe(NAMES.length);
        const size = statSync(join(home, 'cache', `${FILE}-wal`)).size;
        for (let cut = 0; cut < CUTS; cut++) {
          const left = cut === 0 ? 0 : Math.floor(random() * size);
          const node = await startWithLogOf(home, left);
          const cache = hyperCacheOn(node);
          for (const [name, token] of tokens) {
            const isLarger = (await grantOf(cache, name)) > token;
            expect({ size, left, name, isLarger }).toEqual({ size, left, name, isLarger: true });
            // The holder of a grant that was lost comes too late with his write.
            const fence = { name, token };
            await expect(cache.set('key', 'late', { fence })).rejects.toMatchObject({
              code: 'HC_FENCED',
            });
          }
          await node.close();
        }
      }
    },
    campaign.factor * 120_000,
  );
});
