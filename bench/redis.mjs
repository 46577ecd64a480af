import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { peer } from './peers.mjs';

const COMMAND = 'redis-server';

/** Deletes the key if its owner still holds it: every lock on Redis is released so. */
const RELEASE = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0`;

const IN_MEMORY = { appendonly: 'no' };

/** Every write is on the disk before it is answered. */
export const APPEND_ALWAYS = { appendonly: 'yes', appendfsync: 'always' };

/**
 * A Redis server of the benchmark's own, on a free port of the loopback, and one connection to it. If there is no
 * server, it says what is missing and how to install it. The workshop closes it.
 *
 * @param {import('./contenders.mjs').Workshop} workshop
 * @param {Record<string, string>} [persistence] settings of the server; by default it writes nothing to disk
 */
export async function openRedis(workshop, persistence = IN_MEMORY) {
  const ioredis = await peer('ioredis');
  if (ioredis === undefined) return undefined;
  if (spawnSync(COMMAND, ['--version']).status !== 0) {
    console.log('  There is no redis-server, so Redis is left out. To include it, on Debian:');
    console.log('  apt-get install redis-server (the benchmark starts a server of its own).\n');
    return undefined;
  }
  const server = await startServer(workshop.path(), persistence);
  workshop.onClose(server.stop);
  const redis = new ioredis.Redis({ host: '127.0.0.1', port: server.port });
  workshop.onClose(() => redis.disconnect());
  redis.defineCommand('releaseLock', { numberOfKeys: 1, lua: RELEASE });
  return {
    redis,
    port: server.port,
    version: /redis_version:(\S+)/.exec(await redis.info('server'))?.[1] ?? 'unknown',
  };
}

async function startServer(directory, persistence) {
  const port = await freePort();
  const settings = { port, bind: '127.0.0.1', dir: directory, save: '', ...persistence };
  const child = spawn(
    COMMAND,
    Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const killWithUs = () => child.kill('SIGKILL');
  process.once('exit', killWithUs);
  const exited = once(child, 'exit');
  await Promise.race([isReady(child.stdout), exited.then(failedToStart)]);
  return {
    port,
    stop: async () => {
      process.removeListener('exit', killWithUs);
      child.kill();
      await exited;
    },
  };
}

/** The output is read to its end: a full pipe would hold the server up. */
function isReady(output) {
  return new Promise((resolve) => {
    createInterface({ input: output }).on('line', (line) => {
      if (line.includes('Ready to accept connections')) resolve();
    });
  });
}

function failedToStart([code]) {
  throw new Error(`${COMMAND} ended with ${code} before it was ready.`);
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}
