import { afterEach, describe, expect, it } from '@jest/globals';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../../lib/common/clock.js';
import { systemRandom } from '../../../lib/common/random.js';
import { Replica } from '../../../lib/cluster/replica/replica.js';
import { Storage } from '../../../lib/sqlite/storage.js';
import { FILE_NAME } from '../../support/storages.js';
import { useTemporaryDirectories } from '../../support/temporary-directory.js';

const SOURCE = { historyId: 'history', epoch: 1, ancestors: [] };
const PATIENCE = { timeoutMs: 1000, signal: undefined };

describe('A snapshot that fails', () => {
  const directories = useTemporaryDirectories();
  const opened: Storage[] = [];
  afterEach(() => {
    for (const storage of opened.splice(0)) storage.close();
  });

  function start(): { replica: Replica; sides: Storage[]; sidePath: string } {
    const directory = directories();
    const sides: Storage[] = [];
    const create = (name: string): Storage =>
      new Storage({
        path: join(directory, name),
        fullSync: false,
        clock: systemClock,
        random: systemRandom,
        hasOneWriter: true,
        isExchanged: name === FILE_NAME,
      });
    const storage = create(FILE_NAME);
    storage.open();
    opened.push(storage);
    const sidePath = join(directory, 'side.sqlite');
    const replica = new Replica({
      storage,
      clock: systemClock,
      createSide: () => {
        const side = create('side.sqlite');
        sides.push(side);
        opened.push(side);
        return side;
      },
      onChanged: () => undefined,
      primary: { url: 'http://127.0.0.1:1', path: '/api' },
    });
    return { replica, sides, sidePath };
  }

  /** As a full disk does: every transaction of the side file throws. */
  function failTransactions(side: Storage | undefined): void {
    if (side === undefined) throw new Error('There is no side file.');
    side.transaction = () => {
      throw Object.assign(new Error('full'), { code: 'SQLITE_FULL' });
    };
  }

  it('as it begins leaves nothing open: the next one can be taken', async () => {
    const { replica, sides, sidePath } = start();
    // A namespace that cannot be written.
    expect(() => replica.beginSnapshot(SOURCE, [[null as never, 1]], [])).toThrow();
    expect(sides[0]?.isOpen).toBe(true);

    replica.abortSnapshot();

    expect(sides[0]?.isOpen).toBe(false);
    expect(existsSync(sidePath)).toBe(false);
    replica.beginSnapshot(SOURCE, [['n', 1]], []);
    await replica.endSnapshot(7, PATIENCE);
    expect(replica.position).toEqual({ historyId: 'history', epoch: 1, revision: 7 });
  });

  it('as it ends leaves nothing open: the next one can be taken', async () => {
    const { replica, sides } = start();
    replica.beginSnapshot(SOURCE, [['n', 1]], []);
    failTransactions(sides[0]);
    await expect(replica.endSnapshot(7, PATIENCE)).rejects.toThrow('full');

    replica.abortSnapshot();

    expect(sides[0]?.isOpen).toBe(false);
    replica.beginSnapshot(SOURCE, [['n', 1]], []);
    await replica.endSnapshot(8, PATIENCE);
    expect(replica.position?.revision).toBe(8);
  });

  it('closes its file, though it cannot be removed', () => {
    const { replica, sides, sidePath } = start();
    replica.beginSnapshot(SOURCE, [['n', 1]], []);
    rmSync(`${sidePath}-wal`, { force: true });
    mkdirSync(`${sidePath}-wal`);

    expect(() => replica.abortSnapshot()).toThrow();

    expect(sides[0]?.isOpen).toBe(false);
    rmSync(`${sidePath}-wal`, { recursive: true });
    expect(replica.isCopying).toBe(false);
  });
});
