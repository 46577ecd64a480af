import { describe, expect, it } from '@jest/globals';
import { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import { PLACES, startApi } from '../support/api-apps.js';
import { TOKEN } from '../support/api-client.js';
import { PLATFORMS, useNestApps } from '../support/nest-apps.js';
import { statusesIn, useRawConnections } from '../support/raw-http.js';

const BODY = '{"value":1}';
const CHUNKED = `b\r\n${BODY}\r\n0\r\n\r\n`;

/** What a proxy and a node might read as different requests: the headers, and what follows them. */
const SHAPES: readonly (readonly [what: string, headers: readonly string[], body: string])[] = [
  ['both lengths', ['content-length: 11', 'transfer-encoding: chunked'], CHUNKED],
  [
    'both lengths, the other way round',
    ['transfer-encoding: chunked', 'content-length: 3'],
    CHUNKED,
  ],
  ['two lengths that differ', ['content-length: 11', 'content-length: 5'], BODY],
  ['two lengths that agree', ['content-length: 11', 'content-length: 11'], BODY],
  ['a list of lengths', ['content-length: 11, 11'], BODY],
  ['a signed length', ['content-length: +11'], BODY],
  ['a negative length', ['content-length: -1'], BODY],
  ['a hexadecimal length', ['content-length: 0xb'], BODY],
  ['a length with a space inside', ['content-length: 1 1'], BODY],
  ['a space before the colon', ['content-length : 11'], BODY],
  ['an unknown transfer encoding', ['transfer-encoding: xchunked'], CHUNKED],
  ['chunked not being last', ['transfer-encoding: chunked, identity'], CHUNKED],
  [
    'chunked twice, one misspelled',
    ['transfer-encoding: chunked', 'transfer-encoding: x'],
    CHUNKED,
  ],
  ['a vertical tab before chunked', ['transfer-encoding:\vchunked'], CHUNKED],
  ['an encoding folded into a second line', ['transfer-encoding:', ' chunked'], CHUNKED],
  ['a header folded into a second line', ['x-note: a', ' b', 'content-length: 11'], BODY],
  ['a bare line feed in a header', ['x-note: a\ncontent-length: 5', 'content-length: 11'], BODY],
  ['a bare carriage return in a header', ['x-note: a\rb', 'content-length: 11'], BODY],
  ['a NUL in a header', ['x-note: a\0b', 'content-length: 11'], BODY],
  ['a chunk of no hexadecimal size', ['transfer-encoding: chunked'], `g\r\n${BODY}\r\n0\r\n\r\n`],
  ['a chunk of a size with 0x', ['transfer-encoding: chunked'], `0xb\r\n${BODY}\r\n0\r\n\r\n`],
  ['a chunk of a negative size', ['transfer-encoding: chunked'], `-1\r\n${BODY}\r\n0\r\n\r\n`],
  ['a chunk of a size beyond 64 bits', ['transfer-encoding: chunked'], `${'f'.repeat(17)}\r\n`],
  [
    'a chunk that is longer than it says',
    ['transfer-encoding: chunked'],
    `5\r\n${BODY}\r\n0\r\n\r\n`,
  ],
  ['a chunk ended by a line feed alone', ['transfer-encoding: chunked'], `b\n${BODY}\n0\n\n`],
  [
    'a chunk extension with a line feed',
    ['transfer-encoding: chunked'],
    `b;a\nb\r\n${BODY}\r\n0\r\n\r\n`,
  ],
];

const variants = PLATFORMS.flatMap((platform) => PLACES.map((place) => ({ platform, place })));

describe.each(variants)('A request on $platform ($place)', ({ platform, place }) => {
  const apps = useNestApps();
  const dial = useRawConnections();

  /** Sends a write with these headers and this body, and behind it, on the same connection, an increment. */
  async function start() {
    const { app, url } = await startApi(apps, platform, place);
    const { host, pathname } = new URL(url);
    const head = (path: string, headers: readonly string[]): string =>
      [
        `POST ${pathname}${path} HTTP/1.1`,
        `host: ${host}`,
        `x-hypercache-token: ${TOKEN}`,
        ...headers,
        '\r\n',
      ].join('\r\n');
    const hidden = head('/increment/hidden', ['content-length: 0', 'connection: close']);
    const send = async (headers: readonly string[], body: string): Promise<number[]> => {
      const { socket, ended } = await dial(url);
      const outer = head('/cache/outer', ['content-type: application/json', ...headers]);
      socket.write(outer + body + hidden, 'latin1');
      return statusesIn(await ended);
    };
    const read = (): Promise<unknown[]> => app.get(HyperCache).mget(['outer', 'hidden']);
    return { send, read };
  }

  it('may be followed by another one', async () => {
    const { send, read } = await start();

    await expect(send(['content-length: 11'], BODY)).resolves.toEqual([200, 200]);
    await expect(send(['transfer-encoding: chunked'], CHUNKED)).resolves.toEqual([200, 200]);

    await expect(read()).resolves.toEqual([1, 2]);
  });

  it('of a shape that can hide another one is refused, and so is what it hides', async () => {
    const { send, read } = await start();
    const passed: string[] = [];

    for (const [what, headers, body] of SHAPES) {
      const statuses = await send(headers, body);
      const isRefused =
        statuses.length === 1 && statuses.every((status) => status >= 400 && status < 500);
      if (!isRefused) passed.push(`${what}: ${statuses.join(', ')}`);
    }

    expect(passed).toEqual([]);
    await expect(read()).resolves.toEqual([undefined, undefined]);
  });
});
