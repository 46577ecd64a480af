// A node that does what its parent asks for, one message at a time.
import { HyperCache } from '../../../dist/nest/hyper-cache.service.js';
import { monotonicMs, openNode } from './open-node.mjs';

const node = await openNode();
const locks = new Map();
const targets = {
  cache: new HyperCache(node, node.cache('default')),
  node,
  process: {
    /** Makes a lock handle, to be called by its id. */
    lock: (id, name, options) => void locks.set(id, node.locks.lock(name, options)),
    semaphore: (id, name, options) => void locks.set(id, node.locks.semaphore(name, options)),
    /** What a handle believes of itself. */
    state: (id) => {
      const { isHeld, token, owner } = locks.get(id);
      return { isHeld, token, owner };
    },
    /** Tells when the signal of the current lease aborts, and why. */
    watch: (id) => {
      const { signal } = locks.get(id);
      signal.addEventListener('abort', () => {
        process.send({ aborted: id, code: signal.reason.code, at: monotonicMs() });
      });
    },
  },
};

process.on('message', async (message) => {
  if (message === 'stop') {
    await node.close();
    process.exit(0);
  }
  const { id, target, method, args } = message;
  const calledAt = monotonicMs();
  try {
    const value = await (targets[target] ?? locks.get(target))[method](...args);
    const plain = typeof value === 'object' && value !== null && locks.has(target) ? true : value;
    process.send({ id, value: plain, calledAt, returnedAt: monotonicMs() });
  } catch (error) {
    process.send({ id, error: { code: error.code, message: error.message } });
  }
});
process.send('ready');
