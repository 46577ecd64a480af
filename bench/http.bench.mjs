import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';

export const name = 'http';
export const title =
  'a cached route of 10 kB of JSON, 64 connections, the application in a process of its own';

const PROGRAM = fileURLToPath(new URL('http-app.mjs', import.meta.url));
const CONNECTIONS = 64;

const MEMORY = 'CacheInterceptor over cache-manager in memory';
const VALUE = "HttpCacheInterceptor, 'value'";
const BODY = "HttpCacheInterceptor, 'body'";
const NOT_MODIFIED = "HttpCacheInterceptor, 304 ('value')";

const CONTENDERS = [
  { label: MEMORY, kind: 'memory' },
  { label: 'CacheInterceptor over HyperCache', kind: 'hyperCache' },
  { label: VALUE, kind: 'value' },
  { label: BODY, kind: 'body' },
  { label: NOT_MODIFIED, kind: 'value', isConditional: true },
  { label: "HttpCacheInterceptor, 304 ('body')", kind: 'body', isConditional: true },
  { label: 'no cache, the value made at once', kind: 'none' },
];

/** @param {import('./harness.mjs').Bench} bench */
export async function run(bench) {
  for (const platform of ['Fastify', 'Express']) {
    if (!platform.includes(bench.options.group ?? '')) continue;
    await bench.workshop.scope(() => ofPlatform(bench, platform));
  }
}

async function ofPlatform(bench, platform) {
  const { rounds, roundMs, only = '' } = bench.options;
  const chosen = CONTENDERS.filter(({ label }) => label.includes(only));
  const contenders = [];
  for (const one of chosen) {
    const app = await startApplication(bench.workshop, { platform, kind: one.kind });
    contenders.push({ ...one, app, times: [], cpuTimes: [], count: 2000 });
  }
  for (const contender of contenders) await warmUp(contender, Math.max(400, roundMs * 3));
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) {
      const { app, count } = contender;
      const cpuBefore = await app.cpu();
      const begun = performance.now();
      await app.send(count);
      contender.times.push(((performance.now() - begun) * 1e6) / count);
      contender.cpuTimes.push(((await app.cpu()) - cpuBefore) / count);
    }
  }
  const id = platform.toLowerCase();
  const of = (field) => new Map(contenders.map((each) => [each.label, each[field]]));
  bench.record({
    title: platform,
    id,
    unit: 'request',
    times: of('times'),
    // Of the application alone: what a busy machine distorts least.
    cpuTimes: of('cpuTimes'),
    latencies: new Map(),
    targets: [
      { of: VALUE, to: MEMORY, id: `http-value-${id}` },
      { of: BODY, to: MEMORY, id: `http-body-${id}` },
      { of: NOT_MODIFIED, to: MEMORY, id: `http-304-${id}` },
    ],
  });
}

/** Until the code is warm; finds how many requests a round takes. */
async function warmUp(contender, ms) {
  const { app, isConditional = false } = contender;
  await app.prepare(isConditional);
  const begun = performance.now();
  let sent = 0;
  while (performance.now() - begun < ms * 2) {
    await app.send(1000);
    sent += 1000;
  }
  contender.count = Math.max(500, Math.round((sent / (performance.now() - begun)) * ms));
}

async function startApplication(workshop, config) {
  const argument = JSON.stringify({ ...config, sqlitePath: workshop.path() });
  const child = fork(PROGRAM, [argument]);
  const exited = once(child, 'exit');
  const [{ port }] = await Promise.race([
    once(child, 'message'),
    exited.then(() => {
      throw new Error(`The application with ${config.kind} ended before it listened.`);
    }),
  ]);
  const connections = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => Connection.open(port)),
  );
  workshop.onClose(async () => {
    for (const connection of connections) connection.close();
    child.send('close');
    await exited;
  });
  let request = '';
  let status = 200;
  return {
    async prepare(isConditional) {
      request = 'GET /page HTTP/1.1\r\nhost: localhost\r\n';
      if (isConditional) {
        const [head] = await connections[0].ask(`${request}\r\n`, 200);
        request += `if-none-match: ${/^etag: (.*)$/im.exec(head)?.[1]}\r\n`;
        status = 304;
      }
      request += '\r\n';
    },
    async send(count) {
      let left = count;
      await Promise.all(
        connections.map(async (connection) => {
          while (left-- > 0) await connection.ask(request, status);
        }),
      );
    },
    async cpu() {
      const answer = once(child, 'message');
      child.send('cpu');
      return (await answer)[0].cpu;
    },
  };
}

/** One request after the other, with as little work for the client as there can be. */
class Connection {
  #socket;
  #chunks = [];
  #missing = -1;
  #settle;

  static async open(port) {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new Connection(socket.setNoDelay());
  }

  constructor(socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('error', (error) => this.#settle?.reject(error));
    socket.on('close', () => this.#settle?.reject(new Error('The connection has ended.')));
  }

  /** The head of the answer. */
  ask(request, status) {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject, status };
      this.#socket.write(request);
    });
  }

  close() {
    this.#socket.destroy();
  }

  #read(chunk) {
    if (this.#missing < 0) {
      this.#chunks.push(chunk);
      const all = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
      const end = all.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.head = all.latin1Slice(0, end);
      const { status, reject } = this.#settle;
      if (!this.head.startsWith(`HTTP/1.1 ${status} `)) {
        reject(new Error(`The answer is ${this.head.split('\r\n', 1)[0]}.`));
        return;
      }
      const [, length = 0] = /content-length: (\d+)/i.exec(this.head) ?? [];
      const bodyBytes = status === 304 ? 0 : Number(length);
      this.#chunks = [];
      this.#missing = bodyBytes - (all.length - end - 4);
    } else this.#missing -= chunk.length;
    if (this.#missing > 0) return;
    this.#missing = -1;
    this.#settle.resolve([this.head]);
  }
}
