import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { percentile } from './harness.mjs';
import { NAMES, peer } from './peers.mjs';
import { openRedis } from './redis.mjs';

export const name = 'trace';
export const title =
  'the web12 trace over HTTP: 10 kB pages behind cache.wrap in a Nest application on Express';

const DEFAULT_TRACE = '../shared/traces/web12.trace.gz';
const PROGRAM = fileURLToPath(new URL('trace-app.mjs', import.meta.url));
const IN_FLIGHT = 32;
const ORIGIN_MS = 10;
/** The trace is sent in slices, to each application in turn. */
const SLICE = 2000;
const SHORT = 20_000;
const TARGETS = { [NAMES.memory]: 'trace-memory', [NAMES.keyvRedis]: 'trace-redis' };

/** @param {import('./harness.mjs').Bench} bench */
export async function run(bench) {
  const { workshop, options } = bench;
  const path = options.trace ?? fileURLToPath(new URL(`../${DEFAULT_TRACE}`, import.meta.url));
  if (!existsSync(path)) {
    console.log(`  There is no trace at ${options.trace ?? DEFAULT_TRACE}: left out.\n`);
    return;
  }
  const all = readTrace(path);
  const requests = options.full ? all : all.subarray(0, options.quick ? SLICE : SHORT);
  const server = await openRedis(workshop);
  const kinds = [
    ['HyperCache', 'hyperCache'],
    [NAMES.memory, 'memory'],
    server && (await peer('@keyv/redis')) && [NAMES.keyvRedis, 'redis'],
    (await peer('@keyv/sqlite')) && [NAMES.keyvSqlite, 'sqlite'],
  ].filter(Boolean);
  const applications = [];
  for (const [label, kind] of kinds) {
    applications.push({ label, ...(await startApplication(workshop, kind, server?.port)) });
  }
  for (let at = 0; at < requests.length; at += SLICE) {
    for (const application of applications) {
      await sendAll(application, requests.subarray(at, at + SLICE));
    }
  }
  bench.record({
    title: `${requests.length.toLocaleString('en-US')} requests, ${IN_FLIGHT} in flight, an origin of ${ORIGIN_MS} ms`,
    id: 'trace',
    unit: 'request',
    times: new Map(applications.map(({ label, slices }) => [label, slices])),
    latencies: new Map(
      applications.map(({ label, times }) => [
        label,
        { p50: percentile(times, 0.5) * 1000, p99: percentile(times, 0.99) * 1000 },
      ]),
    ),
    targets: applications
      .slice(1)
      .map(({ label }) => ({ of: 'HyperCache', to: label, id: TARGETS[label] })),
  });
  const rows = [];
  for (const { label, agent, url } of applications) {
    const { originReads } = JSON.parse(await get(agent, `${url}/reads`));
    rows.push({ what: label, value: originReads, unit: 'reads' });
    agent.destroy();
  }
  bench.report({ title: 'reads of the origin', rows });
}

/** Big-endian 32-bit integers, one per request. */
function readTrace(path) {
  const bytes = gunzipSync(readFileSync(path));
  return Uint32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readUInt32BE(4 * i));
}

async function startApplication(workshop, kind, redisPort) {
  const config = { kind, redisPort, directory: workshop.path(), originMs: ORIGIN_MS };
  const child = fork(PROGRAM, [JSON.stringify(config)]);
  const exited = once(child, 'exit');
  const [{ url }] = await Promise.race([
    once(child, 'message'),
    exited.then(() => {
      throw new Error(`The application over ${kind} ended before it listened.`);
    }),
  ]);
  workshop.onClose(() => {
    child.send('close');
    return exited;
  });
  const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT });
  return { url, agent, times: [], slices: [] };
}

async function sendAll({ url, agent, times, slices }, pages) {
  let next = 0;
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      while (next < pages.length) {
        const page = pages[next++];
        const sent = performance.now();
        const body = await get(agent, `${url}/pages/${page}`);
        times.push(performance.now() - sent);
        if (!body.startsWith(`{"page":${page},`)) throw new Error('The answer is another page.');
      }
    }),
  );
  slices.push(((performance.now() - begun) * 1e6) / pages.length);
}

function get(agent, url) {
  return new Promise((resolve, reject) => {
    const call = request(url, { agent }, (answer) => {
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', (text) => (body += text));
      answer.on('error', reject);
      answer.on('end', () => resolve(body));
    });
    call.on('error', reject);
    call.end();
  });
}
