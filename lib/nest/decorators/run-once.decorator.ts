import { InvalidArgumentError } from '../../common/errors.js';
import type { HyperCacheNode } from '../../node/hyper-cache-node.js';
import { checkedRun, type RunOnceOptions } from '../../node/runs.js';
import { HYPERCACHE_NODE } from '../hyper-cache.constants.js';
import { injectedMethod } from './injected-method.js';

/** The method of each name. Two methods of one name would keep each other from running. */
const methods = new Map<string, string>();

/**
 * Runs a method of a provider or controller at most once in a window, across all processes and servers, and never twice at the
 * same time. The method becomes asynchronous, and returns undefined when it must not run. The class need not inject anything.
 *
 * `@WithLock` keeps two calls from overlapping; this decorator keeps the second from running at all. With a lock, clocks that
 * differ by a second and a job of a millisecond lead to two runs. While the primary is unreachable nothing runs, and one
 * 'error' event reports it.
 *
 * @example
 * ```ts
 * export class Rates {
 *   @RunOnce('rates', { window: '10m', on: 'success' })
 *   async refresh(): Promise<void> {
 *     // At most once in 10 minutes, whichever server calls it.
 *   }
 * }
 * ```
 * @param name of the run, for all processes; `HyperCache.lastRun(name)` reports it
 * @throws {HC_KEY_INVALID | HC_ARGUMENT_INVALID} when the class is loaded: an unknown option, a name that another method has
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
        'Give each its own name: only one method of a name runs.',
      );
    }
    methods.set(name, own);
    return { call: ({ injected, proceed }) => injected.runs.run(name, options, proceed) };
  });
}
