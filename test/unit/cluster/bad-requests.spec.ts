import { describe, expect, it } from '@jest/globals';
import fc, { draws } from '../../support/fast-check.js';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { HyperCacheError } from '../../../lib/common/errors.js';
import type { HyperCacheNode } from '../../../lib/node/hyper-cache-node.js';
import { QueryKind, RequestKind } from '../../../lib/cluster/wire/exchange.js';
import { PROTOCOL_VERSION, type SyncEndpoint } from '../../../lib/cluster/wire/sync-endpoint.js';
import { FrameReader, FrameType, pack, unpack } from '../../../lib/cluster/wire/wire.js';
import { useDirectClusters } from '../../support/clusters.js';

const clusters = useDirectClusters();

/** Codes that the HTTP API answers with a status from 400 to 499. */
const CALLERS_FAULT = [
  'HC_ARGUMENT_INVALID',
  'HC_KEY_INVALID',
  'HC_OUT_OF_ORDER',
  'HC_TTL_INVALID',
  'HC_VALUE_TOO_LARGE',
  'HC_PRIMARY_MISMATCH',
];

async function start(): Promise<{ primary: HyperCacheNode; sync: SyncEndpoint }> {
  const primary = await clusters.primary();
  const { sync } = primary;
  if (sync === undefined) throw new Error('A primary can be followed.');
  return { primary, sync };
}

async function expectRefusal(work: () => unknown): Promise<void> {
  const error: unknown = await Promise.resolve()
    .then(work)
    .then(
      () => undefined,
      (reason: unknown) => reason,
    );
  expect(error).toBeInstanceOf(HyperCacheError);
  expect(CALLERS_FAULT).toContain(Object(error).code);
}

const revisionOf = async (node: HyperCacheNode): Promise<number> => (await node.stats()).revision;

/** Resolves to the answer to a wait, whose connection stays. */
async function answerOf(sync: SyncEndpoint, request: Buffer): Promise<unknown> {
  const sink = new PassThrough();
  sync.wait(request, sink);
  const reader = new FrameReader(1 << 20);
  for await (const chunk of sink) {
    reader.push(chunk as Buffer);
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
      if (frame[0] === FrameType.Answer) return frame[1];
    }
  }
  return undefined;
}

const anything = fc.anything({ withNullPrototype: false, maxDepth: 3 });

describe('a request that no node sends', () => {
  it('of random bytes is refused', async () => {
    const { primary, sync } = await start();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        await expectRefusal(() => sync.exchange(Buffer.from(bytes)));
        await expectRefusal(() => sync.wait(Buffer.from(bytes), new PassThrough()));
      }),
    );

    expect(await revisionOf(primary)).toBe(0);
  });

  it('of random values is refused', async () => {
    const { primary, sync } = await start();
    const code = fc.oneof(fc.constantFrom(...Object.values(QueryKind)), fc.nat(20), anything);
    let sent = 0;
    // With a namespace there it may be a command that nothing is wrong with: one that clears it, for instance.
    const noNamespace = anything.filter((value) => typeof value !== 'string');
    const message = fc.tuple(code, noNamespace, anything, anything, anything);
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 3 }), async (messages) => {
        for (const kind of [RequestKind.Commands, RequestKind.Queries]) {
          const content =
            kind === RequestKind.Commands ? [0, messages, 'sender', ++sent] : [messages];
          try {
            await sync.exchange(pack([kind, ...content]));
          } catch (error) {
            expect(CALLERS_FAULT).toContain(Object(error).code);
          }
        }
      }),
    );

    expect(await revisionOf(primary)).toBe(0);
  });

  it('of which one command is malformed does nothing', async () => {
    const { primary, sync } = await start();
    const set = [0, 'default', 'key', 'value', Infinity, []];
    for (const bad of [
      [],
      null,
      [99],
      [{ toString: '' }, 'default', 'key'],
      [0, 'default', 'key', 'value', Infinity, [], { toString: '' }, 1],
      [0, 'default', 'key', 'value', Infinity, [], '', 1],
      [0, 'default', '', 'value', Infinity, []],
      [0, 'default', 'key', { a: 1 }, Infinity, []],
      [0, 'default', 'key', 'value', NaN, []],
      [0, 'default', 'key', 'value', Infinity, Array.from({ length: 65 }, () => 't')],
      [0, '', 'key', 'value', Infinity, []],
    ]) {
      await expectRefusal(() =>
        sync.exchange(pack([RequestKind.Commands, -1, [set, bad], 'sender', 1])),
      );
    }
    const many = Array.from({ length: 1001 }, () => set);
    await expectRefusal(() => sync.exchange(pack([RequestKind.Commands, -1, many, 'sender', 1])));

    expect(await revisionOf(primary)).toBe(0);
    expect(await primary.cache('default').get('key')).toBeUndefined();
  });

  it('with one byte changed is refused, or means something', async () => {
    const { primary, sync } = await start();
    let sent = 0;
    const set = [0, 'default', 'key', 'value', Infinity, ['tag']];
    const increment = [7, 'default', 'count', 1, 0, Infinity];
    const requests = [
      () => pack([RequestKind.Commands, -1, [set], 'sender', ++sent]),
      () => pack([RequestKind.Commands, 0, [increment], 'sender', ++sent]),
      () => pack([RequestKind.Queries, [[QueryKind.Entry, 'default', 'key']]]),
      () => pack([RequestKind.Queries, [[QueryKind.Keys, 'default', '', '']]]),
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...requests),
        fc.nat(),
        fc.nat(255),
        async (request, at, byte) => {
          const bytes = request();
          bytes[at % bytes.length] = byte;
          try {
            expect(Array.isArray(unpack(await sync.exchange(bytes)))).toBe(true);
          } catch (error) {
            expect(CALLERS_FAULT).toContain(Object(error).code);
          }
        },
      ),
    );

    await primary.cache('default').set('key', 'still works');
    expect(await primary.cache('default').get('key')).toBe('still works');
  });

  it('for a lock leaves no lock and nobody who waits', async () => {
    const { primary, sync } = await start();
    const owner = 'somebody';
    for (const bad of [
      [],
      [9, 'lock', owner, 1000, 1, 1000],
      [0, '', owner, 1000, 1, 1000],
      [0, 'lock', '', 1000, 1, 1000],
      [0, 'lock', owner, 0, 1, 1000],
      [0, 'lock', owner, Infinity, 1, 1000],
      [0, 'lock', owner, 1000, 0, 1000],
      [0, 'lock', owner, 1000, 1.5, 1000],
      [0, 'lock', owner, 1000, 1, -1],
      [0, 'lock', owner, 1000, 1, NaN],
      [0, 'lock', owner, 1000, 1, 2 ** 31],
      [0, 'lock', owner, 1000, 1, '5'],
      [0, 'lock', owner, 1000, 1, 1000],
      [0, 'lock', owner, 1000, 1, 1000, 'x'.repeat(65), 1],
      [0, 'lock', owner, 1000, 1, 1000, 'sender', 'one'],
    ]) {
      const sink = new PassThrough();
      await expectRefusal(() => sync.wait(pack(bad), sink));
      // Nothing was written: the transport above can still answer with a status.
      expect(sink.readableLength).toBe(0);
    }

    expect(await primary.stats()).toMatchObject({ lockWaiters: 0, locksHeld: 0 });
    expect(
      typeof (await answerOf(sync, pack([0, 'lock', owner, 1000, 1, 1000, 'sender', 1]))),
    ).toBe('number');
  });

  it('for the feed is a snapshot when the position is unknown, an error when the protocol is', async () => {
    const { primary, sync } = await start();
    await primary.cache('default').set('key', 'value');
    await expectRefusal(() =>
      sync.feed({ protocol: 99, replicaId: 'r', position: '' }, new PassThrough()),
    );
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), async (position) => {
        const sink = new PassThrough();
        sync.feed({ protocol: PROTOCOL_VERSION, replicaId: 'r', position }, sink);
        const reader = new FrameReader(1 << 20);
        reader.push(sink.read() as Buffer);
        expect(reader.next()?.[0]).toBe(FrameType.Hello);
        expect(reader.next()?.[0]).toBe(FrameType.SnapshotBegin);
        sink.destroy();
        await once(sink, 'close');
      }),
      draws(30),
    );

    expect(await primary.stats()).toMatchObject({ replicas: [] });
  });
});
