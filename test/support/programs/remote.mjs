// A node that does what its parent asks for, one message at a time.
import { HyperCache } from '../../../dist/nest/hyper-cache.service.js';
import { openNode } from './open-node.mjs';
import { monotonicMs, serveParent } from './parent.mjs';

const node = await openNode();
const targets = {
  cache: new HyperCache(node, node.cache('default')),
  node,
  process: {
    /** Makes a lock handle, to be called by its id. */
    lock: (id, name, options) => void (targets[id] = node.locks.lock(name, options)),
    semaphore: (id, name, options) => void (targets[id] = node.locks.semaphore(name, options)),
    /** What a handle believes of itself. */
    state: (id) => {
      const { isHeld, token, owner } = targets[id];
      return { isHeld, token, owner };
    },
    /** Tells when the signal of the current lease aborts, and why. */
    watch: (id) => {
      const { signal } = targets[id];
      signal.addEventListener('abort', () => {
        process.send({ aborted: id, code: signal.reason.code, at: monotonicMs() });
      });
    },
  },
};

serveParent(targets, () => node.close());
