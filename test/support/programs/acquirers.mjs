// Many who want locks at the same time: each takes its lock once, holds it for a moment, and gives it back.
import { openSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { openNode } from './open-node.mjs';
import { config, monotonicMs } from './parent.mjs';

const { log, acquirers, names, ttl, maxHoldMs, spreadMs = 0 } = config;

const node = await openNode();
const file = openSync(log, 'a');
const note = (line) => writeSync(file, `${JSON.stringify(line)}\n`);

async function acquire(acquirer) {
  const name = `lock-${acquirer % names}`;
  const lock = node.locks.lock(name, { ttl });
  if (spreadMs > 0) await delay(Math.random() * spreadMs);
  const askedAt = monotonicMs();
  if (!(await lock.acquire({ wait: 600_000 }))) throw new Error(`${name} was not obtained.`);
  const grantedAt = monotonicMs();
  // The handle tells whole Unix milliseconds, rounded down; nothing of a lease that has ended while this process had no turn.
  const { expiresAt } = lock;
  const endsAt = expiresAt === undefined ? grantedAt : grantedAt + expiresAt - Date.now() - 1;
  note({ acquirer, name, token: lock.token, askedAt, grantedAt, endsAt });
  await delay(Math.random() * maxHoldMs);
  note({ acquirer, releasedAt: monotonicMs() });
  const isReleased = await lock.release();
  note({ acquirer, isReleased, answeredAt: monotonicMs() });
}

process.on('message', async () => {
  await Promise.all(acquirers.map(acquire));
  await node.close();
  process.exit(0);
});
process.send('ready');
