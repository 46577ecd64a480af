import { InvalidArgumentError } from '../../common/errors.js';
import type { HyperCacheNode } from '../../node/hyper-cache-node.js';
import { checkedRun, type RunOnceOptions } from '../../node/runs.js';
import { HYPERCACHE_NODE } from '../hyper-cache.constants.js';
import { injectedMethod } from './injected-method.js';

/** The method of each name: two methods would keep each other from running. */
const methods = new Map<string, string>();

/**
 * Runs a method of a provider or controller at most once in a window, on all processes and servers together, and never
 * beside itself. The method becomes asynchronous, and returns undefined when it is not to run. The class need not inject
 * anything for it.
 *
 * Where `@WithLock` keeps two calls from overlapping, this keeps the second from happening: clocks that differ by a second,
 * and a job of a millisecond, make two runs of one lock. While the primary is away nothing runs, and one 'error' event
 * tells so.
 *
 * @param name of the run, for all processes; `HyperCache.lastRun(name)` tells of it
 * @throws {HC_KEY_INVALID | HC_ARGUMENT_INVALID} when the class is loaded: what is no option, a name that another method has
 * @publicApi
 */
export function RunOnce(name: string, options: RunOnceOptions): MethodDecorator {
  checkedRun(name, options);
  return injectedMethod<HyperCacheNode>('RunOnce', HYPERCACHE_NODE, (method) => {
    const own = `${method.className}.${method.name}`;
    const other = methods.get(name) ?? own;
    if (other !== own) {
      throw new InvalidArgumentError(
        `@RunOnce has the name '${name}' on ${other}() and on ${own}().`,
        'Give each its own name: of one name only one runs.',
      );
    }
    methods.set(name, own);
    return { call: ({ injected, proceed }) => injected.runs.run(name, options, proceed) };
  });
}
