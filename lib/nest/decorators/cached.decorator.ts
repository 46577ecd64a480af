import { InvalidArgumentError, UnsupportedValueError } from '../../common/errors.js';
import type { PolicyName, WrapOptions, WrapPolicy } from '../../cache/policy.js';
import { checkPolicyOptions } from '../call-options.js';
import { isReadOnce } from '../read-once.js';
import { assertFunction, cacheMethod, type AsyncMethodDecorator } from './cache-method.js';
import type { DecoratedMethod } from './injected-method.js';
import { generatedKey, listFrom, textFrom, type FromCall } from './key-of-call.js';

/**
 * What `@Cached` does with a method whose first arguments are `A` and whose result is an `R`.
 *
 * @publicApi
 */
export interface CachedOptions<A extends unknown[] = [], R = unknown> extends Omit<
  WrapPolicy<R>,
  'tags'
> {
  /**
   * The key: a text with placeholders for arguments (`'product:{0}'`, `'{0.id}'`), or a function of the arguments.
   *
   * @default the name of class and method, and a digest of all arguments
   */
  key?: string | ((...args: A) => string) | undefined;
  /** The name of a policy of `forRoot({ policies })`; fields beside it win. */
  policy?: PolicyName | undefined;
  /** Instead of class and method in a key that is made of all arguments. */
  name?: string | undefined;
  /** A cache of `HyperCacheModule.forFeature`. @default the application's */
  cache?: string | undefined;
  /** Names by which `delByTag` finds the entry; each may have placeholders. */
  tags?: readonly string[] | ((...args: A) => readonly string[]) | undefined;
  /** When it returns false, the method is called and the cache left alone. */
  when?: ((...args: A) => boolean) | undefined;
}

/** Where {@link cacheKeyOf} finds what makes the keys of a method. */
const KEY_OF_CALL = Symbol('HyperCache: the key of a call');

const OWN_FIELDS = ['key', 'name', 'cache', 'when'];

/**
 * Caches what an asynchronous method of a provider or controller returns, as `HyperCache.wrap` does: concurrent calls
 * with one key share one call of the method, and a deletion meanwhile wins over its result. `undefined` is not stored,
 * `null` is. The class need not inject anything for it.
 *
 * A call rejects with what the method throws; with `HC_ARGUMENT_INVALID` when no key can be made of its arguments; with
 * `HC_VALUE_UNSUPPORTED` when the method returns an Observable, a stream or an async iterable.
 *
 * @throws {HC_ARGUMENT_INVALID | HC_TTL_INVALID} when the class is loaded: an option that there is not, a key that is no
 *   template, two methods whose keys would be the same
 * @publicApi
 */
export function Cached<A extends unknown[] = [], R = unknown>(
  options: CachedOptions<A, R> = {},
): AsyncMethodDecorator<A, R> {
  checkPolicyOptions('Cached', options, OWN_FIELDS);
  const { key, name, cache, tags, when, ...policy } = options;
  assertFunction('`when` of @Cached', when);
  if (key !== undefined && name !== undefined) {
    throw new InvalidArgumentError(
      '@Cached has both `key` and `name`.',
      'Leave out `name`: it stands in keys that are made of all arguments.',
    );
  }
  const keyFrom = key === undefined ? undefined : textFrom('key of @Cached', key);
  const tagsFrom = tags === undefined ? undefined : listFrom('tags of @Cached', tags);
  return cacheMethod('Cached', cache, (method) => {
    const keyOf = keyFrom ?? generatedKey(method, name);
    return {
      call: async ({ injected, args, proceed }) => {
        if (when !== undefined && !when(...(args as A))) return proceed();
        const factory = async (): Promise<unknown> => assertWhole(await proceed(), method);
        const own = tagsFrom === undefined ? policy : { ...policy, tags: tagsFrom(args) };
        return injected.wrap(keyOf(args), factory, own as WrapOptions<unknown>);
      },
      metadata: { [KEY_OF_CALL]: keyOf },
    };
  });
}

/**
 * The key under which `@Cached` stores what a call with these arguments returns, for `HyperCache.del` and the like:
 * `cacheKeyOf(Products.prototype.find)(42)`.
 *
 * @param method as it stands in the class, other decorators above `@Cached` included if they copy metadata
 * @throws {HC_ARGUMENT_INVALID} the method has no `@Cached`; from the function that it returns, when no key can be made
 * @publicApi
 */
export function cacheKeyOf<A extends unknown[]>(
  method: (...args: A) => unknown,
): (...args: A) => string {
  const keyOf: unknown =
    typeof method === 'function' ? Reflect.getMetadata(KEY_OF_CALL, method) : undefined;
  if (typeof keyOf !== 'function') {
    throw new InvalidArgumentError(
      'cacheKeyOf() was given what has no @Cached.',
      'Pass the method of the class, as in cacheKeyOf(Products.prototype.find)(42).',
    );
  }
  return (...args) => (keyOf as FromCall<string>)(args);
}

function assertWhole(value: unknown, { className, name }: DecoratedMethod): unknown {
  if (!isReadOnce(value)) return value;
  throw new UnsupportedValueError(
    `${className}.${name}() returns an Observable, a stream or an async iterable, which @Cached cannot keep.`,
    'Return what it ends with: await firstValueFrom(observable), or the bytes of the stream.',
  );
}
