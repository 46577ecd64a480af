import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LiveStreams } from '../../../lib/inspector/live-streams.js';
import { locks } from '../../../lib/inspector/views/locks.js';
import { eventually } from '../../support/eventually.js';
import { ManualClock } from '../../support/manual-clock.js';

const TEN_MINUTES = 600_000;

describe('LiveStreams', () => {
  const closings: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closings.splice(0)) await close();
  });

  /** A real response, and the client that it goes to, which reads nothing. */
  async function connect(): Promise<{ response: ServerResponse; sent: ReturnType<typeof get> }> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const sent = get({ port, host: '127.0.0.1', agent: false });
    sent.on('error', () => undefined);
    sent.on('response', (response: IncomingMessage) => response.pause());
    closings.push(() => {
      server.closeAllConnections();
      server.close();
    });
    const [, response]: [IncomingMessage, ServerResponse] = (await once(
      server,
      'request',
    )) as never;
    return { response, sent };
  }

  const followed = (text: string) => ({ view: locks, group: 'a', render: async () => text });

  it('writes nothing behind the end of a stream that its reader does not read', async () => {
    const clock = new ManualClock();
    const streams = new LiveStreams(clock, () => undefined);
    closings.push(() => streams.close());
    const { response } = await connect();
    // More than the connection takes, so that its end waits.
    expect(streams.add(response, followed('x'.repeat(8 * 1024 * 1024)))).toBe(true);
    clock.advance(TEN_MINUTES);
    const errors: unknown[] = [];
    response.on('error', (error) => errors.push(error));
    response.end();

    for (let time = 0; time < 3; time++) await streams.tick();

    expect(response.writableEnded).toBe(true);
    await new Promise((resolve) => setImmediate(resolve));
    expect(errors).toEqual([]);
  });

  it('ends a stream whose reader takes nothing', async () => {
    const streams = new LiveStreams(new ManualClock(), () => undefined);
    closings.push(() => streams.close());
    const { response } = await connect();
    streams.add(response, followed('x'.repeat(8 * 1024 * 1024)));

    await eventually(async () => {
      await streams.tick();
      expect(response.destroyed).toBe(true);
    });
  });

  it('does not keep a browser that has left before it was let in', async () => {
    const watched: boolean[] = [];
    const streams = new LiveStreams(new ManualClock(), (_view, isWatched) =>
      watched.push(isWatched),
    );
    closings.push(() => streams.close());
    const { response, sent } = await connect();
    sent.destroy();
    await once(response, 'close');

    expect(streams.add(response, followed('x'))).toBe(true);
    expect(watched).toEqual([]);
  });
});
