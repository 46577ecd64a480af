// Takes and gives back locks, and writes down the token of every grant, until it is killed.
import { openSync, writeSync } from 'node:fs';
import { openNode } from './open-node.mjs';
import { config } from './parent.mjs';

const { log, names } = config;

const node = await openNode();
const cache = node.cache('default');
const file = openSync(log, 'a');

async function takeInTurn(name) {
  for (let turn = 0; ; turn++) {
    const lock = node.locks.lock(name, { ttl: 60_000, wait: 60_000 });
    await lock.acquire();
    writeSync(file, `${JSON.stringify({ name, token: lock.token })}\n`);
    // Makes the write-ahead log grow, and begin anew from time to time.
    await cache.set(`${name}-${turn % 100}`, 'x'.repeat(4000));
    await lock.release();
  }
}

process.on('message', () => Promise.all(names.map(takeInTurn)));
process.send('ready');
