import { InvalidArgumentError, UnsupportedValueError } from '../../common/errors.js';
import type { PolicyName, WrapOptions, WrapPolicy } from '../../cache/policy.js';
import { checkPolicyOptions } from '../call-options.js';
import { CACHED_METADATA } from '../declared-policies.js';
import { isReadOnce } from '../read-once.js';
import { assertFunction, cacheMethod, type AsyncMethodDecorator } from './cache-method.js';
import type { DecoratedMethod } from './injected-method.js';
import { generatedKey, listFrom, textFrom, type FromCall } from './key-of-call.js';

/**
 * What `@Cached` does with a method whose first arguments are `A` and that returns an `R`.
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
   * @default the names of the class and the method, and a digest of all arguments
   */
  key?: string | ((...args: A) => string) | undefined;
  /** The name of a policy of `forRoot({ policies })`. The other fields here take precedence over it. */
  policy?: PolicyName | undefined;
  /** Replaces the class and the method in a key that is made of all arguments. */
  name?: string | undefined;
  /** A cache of `HyperCacheModule.forFeature`. @default the application's */
  cache?: string | undefined;
  /** Names by which `delByTag` finds the entry; each may have placeholders. */
  tags?: readonly string[] | ((...args: A) => readonly string[]) | undefined;
  /** When it returns false, the method is called and the cache is not used. */
  when?: ((...args: A) => boolean) | undefined;
}

/** The metadata with the function that makes the keys of a method. */
const KEY_OF_CALL = Symbol('HyperCache: the key of a call');

const OWN_FIELDS = ['key', 'name', 'cache', 'when'];

/**
 * Caches the results of an asynchronous method of a provider or controller, as `HyperCache.wrap` does. Concurrent calls with
 * one key share one call of the method, and a deletion meanwhile wins over its result. `undefined` is not stored, `null` is.
 * The class need not inject anything.
 *
 * A call rejects with the error that the method throws; with `HC_ARGUMENT_INVALID` when no key can be made of its arguments;
 * with `HC_VALUE_UNSUPPORTED` when the method returns an Observable, a stream or an async iterable.
 *
 * @example
 * ```ts
 * export class Products {
 *   @Cached({ key: 'product:{0}', ttl: '5m', tags: ['products'] })
 *   async find(id: number): Promise<Product> {
 *     return load(id);
 *   }
 * }
 * ```
 * @throws {HC_ARGUMENT_INVALID | HC_TTL_INVALID} when the class is loaded: an unknown option, a key that is no template, or two
 * methods whose keys would be the same
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
      'Leave out `name`: only keys that are made of all arguments contain it.',
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
      metadata: { [KEY_OF_CALL]: keyOf, [CACHED_METADATA]: options },
    };
  });
}

/**
 * Makes the key under which `@Cached` stores the result of a call with these arguments, for example for `HyperCache.del`:
 * `cacheKeyOf(Products.prototype.find)(42)`.
 *
 * @param method the method of the class. Decorators above `@Cached` are allowed if they copy metadata.
 * @throws {HC_ARGUMENT_INVALID} the method has no `@Cached`; from the returned function, when no key can be made
 * @publicApi
 */
export function cacheKeyOf<A extends unknown[]>(
  method: (...args: A) => unknown,
): (...args: A) => string {
  const keyOf: unknown =
    typeof method === 'function' ? Reflect.getMetadata(KEY_OF_CALL, method) : undefined;
  if (typeof keyOf !== 'function') {
    throw new InvalidArgumentError(
      'The method given to cacheKeyOf() has no @Cached.',
      'Pass the method of the class, as in cacheKeyOf(Products.prototype.find)(42).',
    );
  }
  return (...args) => (keyOf as FromCall<string>)(args);
}

function assertWhole(value: unknown, { className, name }: DecoratedMethod): unknown {
  if (!isReadOnce(value)) return value;
  throw new UnsupportedValueError(
    `${className}.${name}() returns an Observable, a stream or an async iterable, which @Cached cannot keep.`,
    'Return its final value: await firstValueFrom(observable), or the bytes of the stream.',
  );
}
