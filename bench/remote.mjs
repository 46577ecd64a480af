import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('cluster-node.mjs', import.meta.url));
const apiToken = randomBytes(32).toString('hex');

/**
 * A node in a process of its own that is ready and executes requests; see cluster-node.mjs. The workshop closes it.
 *
 * @param {import('./contenders.mjs').Workshop} workshop
 * @param {object} options as for `HyperCacheModule.forRoot()`
 */
export async function startNode(workshop, options) {
  const config = { apiToken, sqlitePath: workshop.path(), ...options };
  const child = fork(PROGRAM, [JSON.stringify(config)], { serialization: 'advanced' });
  const exited = once(child, 'exit');
  const waiting = new Map();
  let asked = 0;
  const ready = once(child, 'message');
  child.once('exit', (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`the node ended with ${code}`));
  });
  const [{ value: url }] = await Promise.race([
    ready,
    exited.then(([code]) => {
      throw new Error(`the node ended with ${code} before it was ready`);
    }),
  ]);
  child.on('message', ({ id, value, error }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) resolve(value);
    else reject(new Error(error));
  });
  const ask = (operation, ...args) =>
    new Promise((resolve, reject) => {
      const id = ++asked;
      waiting.set(id, { resolve, reject });
      child.send({ id, name: operation, args });
    });
  let closing;
  const close = () => (closing ??= ask('close').then(() => exited));
  workshop.onClose(close);
  /** Stops the process while `work` runs: it does not answer, but its connections stay. */
  const paused = async (work) => {
    child.kill('SIGSTOP');
    try {
      return await work();
    } finally {
      child.kill('SIGCONT');
    }
  };
  return { url, ask, paused, close };
}
