import { describe, expect, it } from '@jest/globals';
import { Agent, request } from 'node:http';
import type { Socket } from 'node:net';
import { TOKEN } from '../support/api-client.js';
import { useApiServers } from '../support/api-servers.js';
import { campaign } from '../support/campaign.js';
import { PLATFORMS } from '../support/nest-apps.js';
import { useRawConnections } from '../support/raw-http.js';

const SLOW_CLIENTS = 500;
/** In each round; a server ends requests that take more than a minute to come. */
const REQUESTS = Math.min(150 * campaign.factor, 1500);
const ROUNDS = 3;
/** What a slow reader asks for: more than the buffers of its connection take. */
const LARGE = 1024 * 1024;

const PATH = '/api/hypercache';

function head(method: string, path: string, headers: readonly string[], end = '\r\n\r\n'): string {
  const lines = [`${method} ${PATH}${path} HTTP/1.1`, 'host: x', `x-hypercache-token: ${TOKEN}`];
  return [...lines, ...headers].join('\r\n') + end;
}

/** What a slow client has sent when it slows down, and what it sends then, a byte at a time. */
const KINDS = [
  { begins: head('GET', '/ping', [], '\r\n'), goesOn: 'x-note: ' },
  {
    begins: head('POST', '/cache/slow', ['content-type: application/json', 'content-length: 1000']),
    goesOn: '{"value":"',
  },
  {
    begins: head('POST', '/cache/slow', [
      'content-type: application/json',
      'transfer-encoding: chunked',
    ]),
    goesOn: '1\r\nx\r\n',
  },
  { begins: head('GET', '/cache/large', []), goesOn: '' },
] as const;

/** The median of how long a request takes, in ms, one after the other on one connection. */
async function medianOf(url: string): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const times: number[] = [];
  for (let i = 0; i < REQUESTS; i++) {
    const began = performance.now();
    const status = await new Promise<number | undefined>((resolve, reject) => {
      request(
        `${url}/cache/small`,
        { agent, headers: { 'x-hypercache-token': TOKEN } },
        (answer) => {
          answer.resume().on('end', () => resolve(answer.statusCode));
        },
      )
        .on('error', reject)
        .end();
    });
    expect(status).toBe(200);
    times.push(performance.now() - began);
  }
  agent.destroy();
  return times.toSorted((a, b) => a - b)[times.length >> 1] ?? Number.NaN;
}

/** Whatever else the machine does makes a round slower, never faster. */
async function bestRound(url: string): Promise<number> {
  const medians: number[] = [];
  for (let round = 0; round < ROUNDS; round++) medians.push(await medianOf(url));
  return Math.min(...medians);
}

describe.each(PLATFORMS)(`${SLOW_CLIENTS} slow clients on %s`, (platform) => {
  const start = useApiServers();
  const dial = useRawConnections();

  it('do not make a good one wait three times as long', async () => {
    const { url, process: server } = await start(platform);
    await server.ask('cache', 'set', 'small', 'value');
    await server.ask('cache', 'set', 'large', 'x'.repeat(LARGE));
    await medianOf(url);
    const alone = await bestRound(url);

    const clients: { socket: Socket; goesOn: string }[] = [];
    for (let i = 0; i < SLOW_CLIENTS; i++) {
      const kind = KINDS[i % KINDS.length] ?? KINDS[0];
      const { socket } = await dial(url);
      socket.pause();
      socket.write(kind.begins);
      clients.push({ socket, goesOn: kind.goesOn });
    }
    let at = 0;
    const dripping = setInterval(() => {
      for (const { socket, goesOn } of clients) {
        if (goesOn !== '' && socket.writable) socket.write(goesOn[at % goesOn.length] ?? '');
      }
      at++;
    }, 100);
    const among = await bestRound(url).finally(() => clearInterval(dripping));

    if (campaign.isReported) {
      process.stderr.write(
        `${SLOW_CLIENTS} slow clients, ${platform}: ${alone.toFixed(3)} ms a request alone, ${among.toFixed(3)} ms among them\n`,
      );
    }
    expect(clients.filter(({ socket }) => !socket.destroyed).length).toBeGreaterThan(400);
    expect(among).toBeLessThan(3 * alone);
  }, 90_000);
});
