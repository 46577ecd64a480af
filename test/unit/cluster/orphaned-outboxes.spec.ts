import { describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../lib/common/clock.js';
import { systemRandom } from '../../../lib/common/random.js';
import { promote } from '../../../lib/admin/promote.js';
import { OrphanedOutboxes } from '../../../lib/cluster/forward/orphaned-outboxes.js';
import { Outbox } from '../../../lib/cluster/forward/outbox.js';
import type { HyperCacheNode } from '../../../lib/node/hyper-cache-node.js';
import { OutboxFile } from '../../../lib/sqlite/outbox-file.js';
import { useDirectClusters, type DirectSecondary } from '../../support/clusters.js';
import { eventually } from '../../support/eventually.js';
import { ManualClock } from '../../support/manual-clock.js';

/** Processes of one host, whose primary can be away from each. Closing one leaves what it could not send, as killing it would. */
describe('writes that a process of a host has left', () => {
  const clusters = useDirectClusters();

  async function setUp() {
    const primary = await clusters.primary();
    const sqlitePath = clusters.directory();
    const options = { sqlitePath, asyncRequests: true, timeout: 300 };
    const start = async (isAway: boolean, environment = {}): Promise<DirectSecondary> => {
      const process = await clusters.secondary(primary, options, environment);
      if (isAway) away(process);
      return process;
    };
    const back = (process: DirectSecondary): void => {
      process.client.endpoint = primary.sync;
    };
    return { primary, sqlitePath, start, back, truth: primary.cache('default') };
  }

  function away({ client }: DirectSecondary): void {
    client.endpoint = undefined;
    client.cut();
  }

  /** One has to be there when another ends: it is not started anew. */
  async function leave(process: DirectSecondary, key: string, value: unknown): Promise<void> {
    away(process);
    await process.cache.set(key, value);
    await process.node.close();
  }

  async function adopted({ client }: DirectSecondary): Promise<void> {
    const before = client.exchanges;
    await eventually(() => expect(client.exchanges).toBeGreaterThan(before));
  }

  it('do not overwrite what its next start accepts, though another process has taken them over', async () => {
    const { start, back, truth } = await setUp();
    const first = await start(false);
    const other = await start(true);
    await leave(first, 'k', 'old');
    await adopted(other);
    const again = await start(false);
    await again.cache.set('k', 'new');
    back(other);
    await Promise.all([other.node.flush(), again.node.flush()]);

    expect(await truth.get('k')).toBe('new');
    expect(await again.cache.get('k')).toBe('new');
    await eventually(() => expect(other.cache.get('k')).toBe('new'));
  });

  it.each([
    ['set', async ({ cache }: DirectSecondary) => cache.set('k', 'new'), 'new'],
    ['delete', async ({ cache }: DirectSecondary) => cache.delete('k'), undefined],
    ['clear', async ({ cache }: DirectSecondary) => cache.clear(), undefined],
    ['increment', async ({ cache }: DirectSecondary) => cache.increment('k', 2), 42],
    ['deletePrefix', async ({ cache }: DirectSecondary) => cache.deletePrefix('k'), undefined],
  ])(
    'come before the %s of a process that runs on, at once after the end of the other',
    async (_name, write, expected) => {
      const { start, truth } = await setUp();
      const [first, other] = [await start(false), await start(false)];
      await other.cache.set('warm', 1);
      await other.node.flush();
      await leave(first, 'k', 40);
      await write(other);
      await other.node.flush();

      expect(await truth.get('k')).toBe(expected);
    },
  );

  it('come in the order in which their processes have ended, whoever has taken them over', async () => {
    const { start, truth } = await setUp();
    const [first, second] = [await start(false), await start(true)];
    away(first);
    await first.cache.set('b', 'oldest');
    await leave(first, 'a', 'oldest');
    await adopted(second);
    const third = await start(true);
    await leave(third, 'a', 'older');
    await second.cache.set('b', 'newest');
    await leave(second, 'c', 'newest');
    const last = await start(false);
    await last.node.flush();

    expect(await truth.mget(['a', 'b', 'c'])).toEqual(['older', 'newest', 'newest']);
  });

  it('are followed by the next start whose clock was set back', async () => {
    const { start, truth } = await setUp();
    const clock = new ManualClock();
    const first = await start(false, { clock });
    await leave(first, 'k', 'oldest');
    const earlier = new ManualClock(clock.now() - 3_600_000);
    const second = await start(true, { clock: earlier });
    await leave(second, 'k', 'older');
    const third = await start(false, { clock: earlier });
    await third.node.flush();

    expect(await truth.get('k')).toBe('older');
  });

  it('keep no write waiting for longer than a request may take, while they cannot be sent', async () => {
    const { start, back } = await setUp();
    const [first, other] = [await start(false), await start(true)];
    await leave(first, 'k', 40);
    await adopted(other);
    const third = await start(false);

    await expect(third.cache.increment('k', 1)).rejects.toMatchObject({
      code: 'HC_PRIMARY_UNREACHABLE',
    });
    await third.cache.set('accepted', 1);
    back(other);
    await eventually(() => expect(third.cache.increment('k', 1)).resolves.toBeGreaterThan(40));
    await third.node.flush();
  });

  it('are done in that order by a node that is promoted', async () => {
    const { sqlitePath, start, primary } = await setUp();
    const third = await start(false);
    const [first, second] = [await start(false), await start(false)];
    await primary.cache('default').set('warm', 1);
    await eventually(async () => expect(await third.cache.get('warm')).toBe(1));
    // The files are numbered as their processes have started: these have 1 and 2.
    await leave(second, 'k', 'oldest');
    await leave(first, 'k', 'older');
    away(third);
    await leave(third, 'k', 'newest');
    promote(sqlitePath);
    const promoted: HyperCacheNode = await clusters.primary({ sqlitePath });

    expect(await promoted.cache('default').get('k')).toBe('newest');
  });
});

describe('OrphanedOutboxes', () => {
  const clusters = useDirectClusters();

  it('leaves an outbox that it could not load to the next who tries, and lets others pass', () => {
    const directory = clusters.directory();
    const createFile = (): OutboxFile =>
      new OutboxFile({ directory, fullSync: false, clock: systemClock, random: systemRandom });
    const left = createFile();
    left.open();
    left.add([Buffer.from([0xff])]);
    left.close();
    const own = createFile();
    const failures: unknown[] = [];
    const outboxes = new OrphanedOutboxes({
      directory,
      own,
      createFile,
      createOutbox: (file) =>
        new Outbox({
          file,
          maxEntries: 1,
          maxBytes: 1,
          limits: { maxValueSize: 1, maxLockTtl: 1 },
          onDeadLetter: (error) => {
            throw error;
          },
        }),
      onError: (error) => failures.push(error),
    });
    outboxes.found.on(() => {
      throw new Error('Nothing was loaded.');
    });
    own.open(false);
    expect(own.number).toBe(1);

    expect(outboxes.mayPass()).toBe(true);
    expect(failures).toHaveLength(1);
    expect(outboxes.mayPass()).toBe(true);
    expect(failures).toHaveLength(1);
    outboxes.stop();
    own.close();
    const next = createFile();
    expect(next.openLeft(0)).toBe(true);
    next.close();
  });
});
