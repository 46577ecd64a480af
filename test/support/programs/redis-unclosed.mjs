// A node on a server that is started, used, and never closed: the process is to end by itself.
import { createNode } from '../../../dist/node/create-node.js';
import { resolveOptions } from '../../../dist/node/resolve-options.js';
import { redis } from '../../../dist/redis/index.js';

const [, , url] = process.argv;
const node = createNode(resolveOptions({ engine: redis({ url }), logger: false }, {}));
await node.start();
const cache = node.cache('unclosed');
await cache.set('key', 'value');
const held = node.locks.lock('held', { ttl: 60_000 });
await held.acquire();
const isWaitedFor = await node.locks.lock('held', { ttl: 1000 }).acquire({ wait: 300 });
process.stdout.write(`${await cache.get('key')} ${isWaitedFor}`);
