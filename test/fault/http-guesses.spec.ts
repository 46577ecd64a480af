import { describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import { inspect } from 'node:util';
import { TOKEN } from '../support/api-client.js';
import { useApiServers } from '../support/api-servers.js';
import { campaign } from '../support/campaign.js';
import { PLATFORMS } from '../support/nest-apps.js';
import { signed } from '../support/signed-request.js';

/** On each platform. */
const GUESSES = 1500 * campaign.factor;
const IN_FLIGHT = 8;

/** After so many failures within a minute the answer is another one. */
const BEFORE_LIMIT = 100;

interface Answer {
  readonly status: number;
  /** All of it that may differ: headers but the date, and the body. */
  readonly text: string;
  readonly ms: number;
}

/** What somebody without the token tries: nothing, anything, and what comes close. */
const GUESSERS: readonly (readonly [what: string, guess: () => Record<string, string>])[] = [
  ['nothing', () => ({})],
  ['an empty token', () => token('')],
  ['a random token', () => token(randomBytes(TOKEN.length / 2).toString('hex'))],
  ['a prefix of the token', () => token(TOKEN.slice(0, -1))],
  ['the token but for its last character', () => token(`${TOKEN.slice(0, -1)}x`)],
  ['the token but for its first character', () => token(`x${TOKEN.slice(1)}`)],
  ['the token and more', () => token(`${TOKEN}0`)],
  ['the token in capitals', () => token(TOKEN.toUpperCase())],
  ['a list with the token', () => token(`${TOKEN}, ${TOKEN}`)],
  ['a very long token', () => token('x'.repeat(4000))],
  ['a name of a prototype', () => token('__proto__')],
  ['another header', () => ({ authorization: `Bearer ${TOKEN}` })],
  ['a signature of another token', () => signature(`x${TOKEN.slice(1)}`)],
  ['an empty signature', () => ({ 'x-hypercache-signature': '' })],
];

const token = (text: string): Record<string, string> => ({ 'x-hypercache-token': text });
const signature = (key: string): Record<string, string> =>
  signed({ method: 'GET', url: 'http://x/api/hypercache/cache/secret', token: key });

function ask(agent: Agent, url: string, headers: Record<string, string>): Promise<Answer> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    request(`${url}/cache/secret`, { agent, headers }, (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (chunk) => void (body += chunk));
      answer.on('end', () => {
        const { date, ...rest } = answer.headers;
        expect(date).toBeDefined();
        const text = inspect(rest) + body;
        resolve({ status: answer.statusCode ?? 0, text, ms: performance.now() - began });
      });
    })
      .on('error', reject)
      .end();
  });
}

/** The tenth percentile: a busy machine makes answers slower, never faster. */
const fastOf = (times: readonly number[]): number =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length / 10)] ?? Number.NaN;

describe.each(PLATFORMS)('Somebody who guesses tokens, on %s', (platform) => {
  const start = useApiServers();

  it(
    'gets one answer, then another, whatever the guess; it is logged, and no one else is refused',
    async () => {
      const server = await start(platform);
      const { url } = server;
      await server.process.ask('cache', 'set', 'secret', 'value');
      const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT });
      const answers: Answer[] = [];
      let made = 0;
      const began = performance.now();

      const guesser = async (): Promise<void> => {
        while (made < GUESSES) {
          const [, guess] = GUESSERS[made++ % GUESSERS.length] ?? GUESSERS[0] ?? [];
          answers.push(await ask(agent, url, guess?.() ?? {}));
        }
      };
      await Promise.all(Array.from({ length: IN_FLIGHT }, guesser));

      const [first, ...others] = new Set(answers.map(({ status, text }) => `${status} ${text}`));
      expect(String([first, ...others])).not.toContain(TOKEN);
      expect(first).toMatch(/^401 .*HC_UNAUTHORIZED/s);
      expect(others).toEqual([
        expect.stringMatching(/^429 .*'retry-after': '60'.*HC_TOO_MANY_ATTEMPTS/s),
      ]);
      // Counting begins anew with each minute.
      const minutes = 1 + Math.floor((performance.now() - began) / 60_000);
      const before = answers.filter(({ status }) => status === 401).length;
      expect(before).toBeGreaterThanOrEqual(BEFORE_LIMIT);
      expect(before).toBeLessThanOrEqual(BEFORE_LIMIT * minutes);
      await expect(ask(agent, url, token(TOKEN))).resolves.toMatchObject({ status: 200 });
      await expect(ask(agent, url, signature(TOKEN))).resolves.toMatchObject({ status: 200 });
      agent.destroy();
      const log = (await server.log()).filter((line) => !line.startsWith('This node is'));
      expect(log.length).toBeLessThanOrEqual(minutes);
      expect(log[0]).toContain('100 requests from 127.0.0.1');
      const stats = await server.process.ask('cache', 'stats');
      expect(JSON.stringify([await server.log(), await server.events(), stats])).not.toContain(
        TOKEN,
      );
      if (campaign.isReported) {
        process.stderr.write(
          `${answers.length} guesses, ${platform}: ${others.length + 1} different answers\n`,
        );
      }
    },
    60_000 * campaign.factor,
  );

  it(
    'learns nothing from how long an answer takes',
    async () => {
      const { url } = await start(platform);
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const tokens = [
        'y'.repeat(TOKEN.length),
        `${TOKEN.slice(0, TOKEN.length / 2)}${'y'.repeat(TOKEN.length / 2)}`,
        `${TOKEN.slice(0, -1)}y`,
      ];
      const times = tokens.map((): number[] => []);

      // In turn, each as often first, so that whatever else the machine does meets all alike.
      for (let i = 0; i < GUESSES; i++) {
        const which = (i + Math.floor(i / tokens.length)) % tokens.length;
        times[which]?.push((await ask(agent, url, token(tokens[which] ?? ''))).ms);
      }
      agent.destroy();

      const fast = times.map((each) => fastOf(each.slice(each.length / 4)));
      if (campaign.isReported) {
        const shown = fast.map((ms) => `${(1000 * ms).toFixed(1)} us`).join(', ');
        process.stderr.write(
          `guesses with none, half and all but one character right, ${platform}: ${shown}\n`,
        );
      }
      const [none = Number.NaN, ...closer] = fast;
      for (const each of closer) {
        expect(each / none).toBeGreaterThan(0.8);
        expect(each / none).toBeLessThan(1.25);
      }
    },
    60_000 * campaign.factor,
  );
});
