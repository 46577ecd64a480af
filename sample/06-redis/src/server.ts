import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Servers that speak this protocol, as packages call them. */
const PROGRAMS = ['redis-server', 'valkey-server'];

const HOW_TO_GET_ONE = `There is no server: HYPERCACHE_REDIS_URL is not set, and neither redis-server nor valkey-server is installed.

  Debian, Ubuntu    sudo apt install redis-server
  macOS             brew install redis
  Docker            docker run --rm -p 6379:6379 redis:7
                    HYPERCACHE_REDIS_URL=redis://127.0.0.1:6379 npm run sample:redis`;

/** A server that the applications share. */
export interface CacheServer {
  readonly url: string;
  /** Ends it, if this program has started it. */
  stop(): void;
}

/**
 * The server of HYPERCACHE_REDIS_URL; else it starts one that keeps nothing on disk.
 *
 * @throws Error that says how to get one
 */
export async function findServer(): Promise<CacheServer> {
  const { HYPERCACHE_REDIS_URL: url = '' } = process.env;
  if (url !== '') return { url, stop: () => undefined };
  const port = String(await freePort());
  for (const program of PROGRAMS) {
    const child = await startServer(program, port);
    if (child === undefined) continue;
    return { url: `redis://127.0.0.1:${port}`, stop: () => void child.kill() };
  }
  throw new Error(HOW_TO_GET_ONE);
}

/** Undefined when it is not installed. */
async function startServer(program: string, port: string): Promise<ChildProcess | undefined> {
  const only = ['--bind', '127.0.0.1', '--port', port];
  const policy = ['--maxmemory', '64mb', '--maxmemory-policy', 'volatile-lru'];
  const child = spawn(program, [...only, ...policy, '--save', '', '--appendonly', 'no'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await once(child, 'spawn');
  } catch {
    return undefined;
  }
  for await (const text of child.stdout) {
    if (String(text).includes('Ready to accept connections')) break;
  }
  // The loop has closed the pipe; later output of the server is dropped.
  return child;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
