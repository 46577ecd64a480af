import { describe, expect, it } from '@jest/globals';
import { Agent, request, type IncomingMessage } from 'node:http';
import { seededRandom } from '../../sample/01-single-node/src/replay/seeded-random.js';
import { TOKEN } from '../support/api-client.js';
import { useApiServers, type ApiServer } from '../support/api-servers.js';
import { campaign } from '../support/campaign.js';
import { hostileRequest, type HostileRequest } from '../support/hostile-requests.js';
import { PLATFORMS } from '../support/nest-apps.js';

/** On each platform, half of them in the application and half on a port of its own. */
const REQUESTS = 1000 * campaign.factor;
const IN_FLIGHT = 16;
/** Until the process has all its code and its caches. */
const WARM_UP = 200;
const MIB = 1024 * 1024;

/** Small bounds, so that what grows without one is seen. */
const OPTIONS = {
  maxValueSize: 100 * 1024,
  l1: { maxBytes: 4 * MIB },
  maxSize: 32 * MIB,
} as const;

/** Resolves to the status, or to why there was none. */
function send(agent: Agent, url: string, hostile: HostileRequest): Promise<number | string> {
  const { hostname, port, pathname } = new URL(url);
  const { method, path, headers, body, isChunked = false } = hostile;
  return new Promise((resolve) => {
    const outgoing = request({
      agent,
      hostname,
      port,
      method,
      path: pathname + path,
      headers: {
        ...headers,
        'x-hypercache-token': TOKEN,
        ...(body === undefined || isChunked ? {} : { 'content-length': body.length }),
      },
    });
    outgoing.setTimeout(10_000, () => outgoing.destroy(new Error('no answer')));
    outgoing.on('response', (answer: IncomingMessage) => {
      const status = answer.statusCode ?? 0;
      // A stream goes on for as long as somebody listens.
      if (path.startsWith('/sync/') && status === 200) {
        resolve(status);
        answer.on('error', () => undefined);
        outgoing.destroy();
      } else {
        answer.on('end', () => resolve(status)).resume();
        answer.on('error', (error) => resolve(error.message));
      }
    });
    outgoing.on('error', (error) => resolve(error.message));
    outgoing.end(body);
  });
}

/** Sends so many of them; counts the answers, and keeps what should not have happened. */
async function attack({ url }: ApiServer, random: () => number, requests: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT });
  const answers = new Map<string, number>();
  const wrong: string[] = [];
  let left = requests;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const hostile = hostileRequest(random);
      const status = await send(agent, url, hostile);
      answers.set(String(status), (answers.get(String(status)) ?? 0) + 1);
      if (typeof status === 'number' && status >= 200 && status < 500) continue;
      const { what, method, path, body } = hostile;
      wrong.push(`${status}: ${what} ${method} ${path} ${body?.toString('latin1').slice(0, 200)}`);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  agent.destroy();
  return { answers: Object.fromEntries(answers), wrong };
}

const variants = PLATFORMS.flatMap((platform) => [
  { platform, place: 'in the application', listen: {} },
  { platform, place: 'on its own port', listen: { listen: { host: '127.0.0.1', port: 0 } } },
]);

describe.each(variants)('An API on $platform, $place', ({ platform, place, listen }) => {
  const start = useApiServers();

  it(
    'answers whatever comes by a refusal, holds no more memory for it, and goes on',
    async () => {
      const server = await start(platform, { ...OPTIONS, ...listen });
      const random = seededRandom(campaign.seed);
      await attack(server, random, WARM_UP);
      const before = await server.vitals();

      const { answers, wrong } = await attack(server, random, REQUESTS / 2);

      const after = await server.vitals();
      if (campaign.isReported) {
        const held = ((after.heldBytes - before.heldBytes) / MIB).toFixed(1);
        const rss = ((after.peakRss - before.rss) / MIB).toFixed(1);
        process.stderr.write(
          `hostile requests, ${platform} ${place}: ${JSON.stringify(answers)}; ${held} MiB more held, ${rss} MiB more at the peak\n`,
        );
      }
      expect(wrong.slice(0, 20)).toEqual([]);
      expect(after.heldBytes - before.heldBytes).toBeLessThan(50 * MIB);
      expect(after).toMatchObject({ polluted: false, prototypes: before.prototypes });
      const good = { what: '', method: 'GET', path: '/ping', headers: {} };
      await expect(send(new Agent(), server.url, good)).resolves.toBe(200);
      // What a node has stored and nobody can read is told, rarely, and never shown.
      const told = (await server.log()).filter(
        (line) => !/^(HC_VALUE_UNREADABLE|This node is)/.test(line),
      );
      expect(told).toEqual([]);
    },
    120_000 * campaign.factor,
  );
});
