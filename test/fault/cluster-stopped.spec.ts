import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  digestOf,
  freePort,
  settled,
  statsOf,
  useProcessClusters,
  type Member,
} from '../support/cluster-processes.js';
import { eventually } from '../support/eventually.js';

/** A write whose change cannot arrive is waited for so long, in ms. */
const TIMEOUT_MS = 500;

const get = async ({ process }: Member, key: string): Promise<unknown> =>
  (await process.ask('cache', 'get', key)).value;

describe('A process that follows the primary for its host, and is stopped but not ended', () => {
  const clusters = useProcessClusters();
  let primary: Member;
  let leader: Member;
  let reader: Member;
  let sender: Member;

  beforeEach(async () => {
    const port = await freePort();
    const home = clusters.directory();
    primary = await clusters.primary(port);
    await primary.process.ask('cache', 'mset', [
      { key: 'a', value: 1 },
      { key: 'count', value: 1 },
    ]);
    const options = { timeout: TIMEOUT_MS };
    leader = await clusters.secondary('leader', port, options, home);
    reader = await clusters.secondary('reader', port, options, home);
    sender = await clusters.secondary('sender', port, { ...options, asyncRequests: true }, home);
    await settled(primary, [leader, reader, sender]);
    leader.process.signal('SIGSTOP');
  });

  it('keeps nobody from reading and writing; the others say so, and have everything when it goes on', async () => {
    const others = [reader, sender];
    await primary.process.ask('cache', 'set', 'a', 2);
    await sender.process.ask('cache', 'set', 'sent', 'by the sender');
    await reader.process.ask('cache', 'set', 'read', 'by the reader');
    for (const member of others) expect(await get(member, 'a')).toBe(1);
    expect(await get(sender, 'sent')).toBe('by the sender');
    expect(await get(reader, 'read')).toBe('by the reader');
    await eventually(async () => {
      expect(await get(primary, 'sent')).toBe('by the sender');
      expect(await get(primary, 'read')).toBe('by the reader');
    });
    // Done, and not here: what it tells cannot be read yet.
    await expect(reader.process.ask('cache', 'increment', 'count')).rejects.toMatchObject({
      code: 'HC_REPLICA_BEHIND',
    });
    for (const member of others) {
      await eventually(async () => {
        expect((await statsOf(member)).replica).toMatchObject({
          isConnected: false,
          isReady: true,
        });
      });
    }

    leader.process.signal('SIGCONT');
    await settled(primary, [leader, ...others]);
    const digests = [primary, leader].map((member) => digestOf(member, 0));
    expect(digests[1]).toEqual(digests[0]);
    for (const member of [primary, leader, ...others]) {
      const { value } = await member.process.ask('cache', 'mget', ['a', 'count', 'sent', 'read']);
      expect(value).toEqual([2, 2, 'by the sender', 'by the reader']);
    }
  }, 60_000);

  it('is followed by another when it is ended', async () => {
    await primary.process.ask('cache', 'set', 'a', 2);
    await leader.process.kill();

    await settled(primary, [reader, sender]);
    expect(await get(reader, 'a')).toBe(2);
    expect(await get(sender, 'a')).toBe(2);
  }, 60_000);
});
