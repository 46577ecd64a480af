import type { HyperCacheError } from '../common/errors.js';
import { PartialError } from '../common/server-errors.js';
import { isUncertain } from './link-failure.js';

/** Requests of one call that are under way at the same time. */
const AT_ONCE = 16;

/** What became of each item, in their order. @internal */
export interface Outcomes<R> {
  readonly results: readonly R[];
  readonly failed: number;
  /** The most serious one. */
  readonly failure: HyperCacheError | undefined;
}

/** Runs each item, at most 16 at a time. A failure does not stop the others. @internal */
export async function fanOut<T, R>(
  items: readonly T[],
  run: (item: T) => Promise<R>,
): Promise<Outcomes<R>> {
  const outcomes: PromiseSettledResult<R>[] = [];
  for (let from = 0; from < items.length; from += AT_ONCE) {
    outcomes.push(...(await Promise.allSettled(items.slice(from, from + AT_ONCE).map(run))));
  }
  return outcomesOf(outcomes);
}

/** Sends the request for each item before it returns, so that no later request comes before them. @internal */
export async function sendAll<T, R>(
  items: readonly T[],
  send: (item: T) => Promise<R>,
): Promise<Outcomes<R>> {
  return outcomesOf(await Promise.allSettled(items.map(send)));
}

/**
 * The results, if each item has one.
 *
 * @throws {HC_PARTIAL} if only some have one; if none has one, the failure itself
 * @internal
 */
export function allOf<R>({ results, failed, failure }: Outcomes<R>): readonly R[] {
  if (failure === undefined) return results;
  if (results.length === 0) throw failure;
  throw new PartialError(results.length, failed, { cause: failure });
}

function outcomesOf<R>(outcomes: readonly PromiseSettledResult<R>[]): Outcomes<R> {
  const results: R[] = [];
  const failures: HyperCacheError[] = [];
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') results.push(outcome.value);
    // Requests reject with errors of ours only.
    else failures.push(outcome.reason as HyperCacheError);
  }
  const failure = failures.find(isUncertain) ?? failures[0];
  return { results, failed: failures.length, failure };
}
