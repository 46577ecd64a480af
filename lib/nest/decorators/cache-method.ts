import { InvalidArgumentError } from '../../common/errors.js';
import { getHyperCacheToken } from '../hyper-cache.constants.js';
import { HyperCache } from '../hyper-cache.service.js';
import { injectedMethod, type DecoratedMethod, type Replacement } from './injected-method.js';

/**
 * A decorator of asynchronous methods whose arguments begin with `A` and whose promises resolve to an `R`.
 *
 * @publicApi
 */
export type AsyncMethodDecorator<A extends unknown[], R> = <
  M extends (...args: never[]) => Promise<R>,
>(
  target: object,
  property: string | symbol,
  descriptor: Parameters<M> extends [...A, ...unknown[]] ? TypedPropertyDescriptor<M> : never,
) => void;

/**
 * As {@link injectedMethod}, with a cache.
 *
 * @param cache a name of `HyperCacheModule.forFeature`; undefined means the application's cache
 * @internal
 */
export function cacheMethod<A extends unknown[], R>(
  decorator: string,
  cache: string | undefined,
  around: (method: DecoratedMethod) => Replacement<HyperCache>,
): AsyncMethodDecorator<A, R> {
  if (cache !== undefined && (typeof cache !== 'string' || cache === '')) {
    throw new InvalidArgumentError(
      `The \`cache\` of @${decorator} is no name.`,
      "Give the name of a HyperCacheModule.forFeature({ name }), such as 'sessions', or leave it out.",
    );
  }
  const token = cache === undefined ? HyperCache : getHyperCacheToken(cache);
  return injectedMethod<HyperCache>(decorator, token, around);
}

/** @throws {HC_ARGUMENT_INVALID} @internal */
export function assertFunction(what: string, given: unknown): void {
  if (given === undefined || typeof given === 'function') return;
  throw new InvalidArgumentError(
    `${what} is of type ${typeof given}.`,
    "Give a function of the method's arguments.",
  );
}
