import { describe, expect, it } from '@jest/globals';
import { copyFileSync, mkdirSync, readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../../sample/01-single-node/src/replay/seeded-random.js';
import type { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import { linesOf } from '../support/history.js';
import { hyperCacheOn } from '../support/hyper-caches.js';
import { useNodeProcesses } from '../support/node-process.js';
import { useNodes } from '../support/nodes.js';
import { useTemporaryDirectories } from '../support/temporary-directory.js';

const CUTS = 20 * Number(process.env['HC_FAULT_ROUNDS'] ?? 2);
const SEED = Number(process.env['HC_FAULT_SEED'] ?? 20261122);
const NAMES = ['a', 'b', 'c'];
const FILE = 'hypercache.sqlite';

describe('Tokens', () => {
  const startProgram = useNodeProcesses();
  const startNode = useNodes();
  const newDirectory = useTemporaryDirectories();

  /** The largest token of each name that a process has written down. */
  function tokensIn(logs: string): Map<string, number> {
    const last = new Map<string, number>();
    for (const file of readdirSync(logs)) {
      for (const { name, token } of linesOf<{ name: string; token: number }>(join(logs, file))) {
        last.set(name, Math.max(token, last.get(name) ?? 0));
      }
    }
    return last;
  }

  async function grantOf(cache: HyperCache, name: string): Promise<number> {
    await cache.lock(name, { ttl: 1 }).forceRelease();
    return cache.lock(name, { ttl: 1000 }).run(({ token }) => token);
  }

  /** Kills processes at work one after the other, so that each leaves its part in the log. */
  async function killAtWork(home: string, processes: number, rounds: number): Promise<string> {
    const logs = join(home, 'logs');
    mkdirSync(logs);
    for (let round = 0; round < rounds; round++) {
      const running = await Promise.all(
        Array.from({ length: processes }, async (_, i) => {
          const program = await startProgram('tokens', {
            options: { sqlitePath: join(home, 'cache') },
            log: join(logs, `${round}-${i}.jsonl`),
            names: NAMES,
          });
          // The next one opens the file while this one writes to it.
          program.send('go');
          return program;
        }),
      );
      await delay(250);
      await Promise.all(running.map((program) => program.kill()));
    }
    return logs;
  }

  it('grow over kills, each in the middle of its work', async () => {
    const home = newDirectory();
    const logs = await killAtWork(home, 2, 4);
    const cache = hyperCacheOn(await startNode({ sqlitePath: join(home, 'cache') }));

    const tokens = tokensIn(logs);
    expect(tokens.size).toBe(NAMES.length);
    for (const [name, token] of tokens) expect(await grantOf(cache, name)).toBeGreaterThan(token);
  });

  it.each([
    ['one process has', 1],
    ['three processes, which joined each other at work, have', 3],
  ])(
    'grow when the end of the log that %s written is lost',
    async (_who, processes) => {
      const random = seededRandom(SEED);
      const home = newDirectory();
      const tokens = tokensIn(await killAtWork(home, processes, 1));
      expect(tokens.size).toBe(NAMES.length);
      const log = join(home, 'cache', `${FILE}-wal`);
      const bytes = statSync(log).size;
      expect(bytes).toBeGreaterThan(100_000);
      let lost = 0;
      for (let cut = 0; cut < CUTS; cut++) {
        const copy = newDirectory();
        for (const suffix of ['', '-wal']) {
          copyFileSync(join(home, 'cache', FILE + suffix), join(copy, FILE + suffix));
        }
        // The first one loses all, the last one nothing.
        const left = cut === 0 ? 0 : cut === CUTS - 1 ? bytes : Math.floor(random() * bytes);
        truncateSync(join(copy, `${FILE}-wal`), left);
        const node = await startNode({ sqlitePath: copy });
        const cache = hyperCacheOn(node);
        const { quarantined } = {
          quarantined: readdirSync(copy).filter((f) => f.includes('corrupt')),
        };
        for (const [name, token] of tokens) {
          const next = await grantOf(cache, name);
          expect({ cut, left, quarantined, isLarger: next > token }).toEqual({
            cut,
            left,
            quarantined: [],
            isLarger: true,
          });
          // What the holder of a grant that was lost writes now is refused.
          const fence = { name, token };
          await expect(cache.set('key', 'late', { fence })).rejects.toMatchObject({
            code: 'HC_FENCED',
          });
        }
        if (left < bytes) lost++;
        await node.close();
      }
      expect(lost).toBe(CUTS - 1);
    },
    60_000,
  );
});
