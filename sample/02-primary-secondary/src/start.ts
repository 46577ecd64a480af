// A primary and two secondaries of the same application, each in a process of its own, and a little traffic.
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { ClusterNode } from './cluster/cluster-node.js';
import { Traffic } from './cluster/traffic.js';
import { lineOf } from './cluster/line.js';

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));
const STORAGE = fileURLToPath(new URL('../../../storage/cluster/', import.meta.url));
const SECOND_MS = 1000;

const firstPort = Number(process.env['PORT'] ?? 3000);
const portOf = (place: number): string => String(firstPort === 0 ? 0 : firstPort + place);
const nodes: ClusterNode[] = [];
let traffic: Traffic | undefined;
let isStopping = false;

async function start(name: string, environment: NodeJS.ProcessEnv): Promise<ClusterNode> {
  const node = await ClusterNode.start(MAIN, name, {
    HYPERCACHE_SQLITE_PATH: `${process.env['STORAGE'] ?? STORAGE}/${name}`,
    PORT: portOf(nodes.length),
    ...environment,
  });
  nodes.push(node);
  node.onEnd((reason) => {
    if (isStopping) return;
    console.error(`${name} has ended (${reason}).`);
    void stop(1);
  });
  return node;
}

/** The secondaries first, so that their last writes reach the primary. */
async function stop(exitCode: number): Promise<void> {
  if (isStopping) return;
  isStopping = true;
  traffic?.stop();
  for (const node of nodes.toReversed()) await node.stop();
  console.log('\nAll nodes are closed.');
  process.exit(exitCode);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop(0));

try {
  // All nodes of a cluster show each other the same token.
  const token = process.env['HYPERCACHE_API_TOKEN'] ?? randomBytes(32).toString('hex');
  const primary = await start('primary', {
    HYPERCACHE_SERVER_ROLE: 'primary',
    HYPERCACHE_API_TOKEN: token,
  });
  const follow = {
    HYPERCACHE_SERVER_ROLE: 'secondary',
    HYPERCACHE_PRIMARY_URL: primary.url,
    HYPERCACHE_API_TOKEN: token,
  };
  const first = await start('secondary-1', follow);
  const second = await start('secondary-2', follow);

  console.log(`A primary on ${primary.url}, secondaries on ${first.url} and ${second.url}.

  curl -X PUT ${first.url}/notes/1 -H 'content-type: application/json' -d '{"text":"written on secondary-1"}'
  curl ${primary.url}/notes/1
  curl ${second.url}/notes/1

Ctrl-C stops them all.
`);
  traffic = new Traffic(nodes);
  if (process.env['TRAFFIC'] !== '0') traffic.start();
  let last = '';
  const tell = async (): Promise<void> => {
    const line = await lineOf(nodes);
    if (!isStopping && line !== last) console.log(line);
    last = line;
  };
  setInterval(() => void tell().catch(() => undefined), SECOND_MS);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  await stop(1);
}
