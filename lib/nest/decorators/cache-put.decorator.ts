import { assertDeclared, readTtl } from '../../cache/policy.js';
import { checkFields, type SetOptions } from '../call-options.js';
import { assertFunction, cacheMethod, type AsyncMethodDecorator } from './cache-method.js';
import { listFrom, textFrom } from './key-of-call.js';

/**
 * What `@CachePut` does with a method that returns an `R` and whose first arguments are `A`.
 *
 * @publicApi
 */
export interface CachePutOptions<R = unknown, A extends unknown[] = []> extends Omit<
  SetOptions,
  'tags' | 'fence'
> {
  /** A text with placeholders for arguments (`'product:{0}'`), or a function of the result and the arguments. */
  key: string | ((result: R, ...args: A) => string);
  /** Names by which `delByTag` finds the entry. Texts may have placeholders for arguments. */
  tags?: readonly string[] | ((result: R, ...args: A) => readonly string[]) | undefined;
  /** When it returns true, the result is not stored. */
  unless?: ((result: R) => boolean) | undefined;
  /** A cache of `HyperCacheModule.forFeature`. @default the application's */
  cache?: string | undefined;
}

const OWN_FIELDS = ['key', 'unless', 'cache'];

/**
 * Stores each result of an asynchronous method before its promise resolves; `undefined` is not stored. When calls overlap, the
 * result that is stored last stays. That may not be the last one that the origin has seen. `@CacheEvict` avoids this problem of
 * order.
 *
 * If the result cannot be stored, the call rejects with the cache's error, although the method has done its work.
 *
 * @example
 * ```ts
 * export class Products {
 *   @CachePut({ key: 'product:{0.id}', ttl: '5m' })
 *   async edit(product: Product): Promise<Product> {
 *     await save(product);
 *     return product;
 *   }
 * }
 * ```
 * @throws {HC_ARGUMENT_INVALID | HC_TTL_INVALID} when the class is loaded
 * @publicApi
 */
export function CachePut<R = unknown, A extends unknown[] = []>(
  options: CachePutOptions<R, A>,
): AsyncMethodDecorator<A, R> {
  checkFields('add', Object(options), { called: 'CachePut', more: OWN_FIELDS });
  const { key, tags, unless, cache, ...entry } = Object(options) as CachePutOptions<R, A>;
  assertDeclared(entry);
  // A function of the value is not allowed either: only entries of a factory have one.
  readTtl(entry.ttl ?? 0);
  assertFunction('`unless` of @CachePut', unless);
  const keyFrom = textFrom('key of @CachePut', key);
  const tagsFrom = tags === undefined ? undefined : listFrom('tags of @CachePut', tags);
  return cacheMethod('CachePut', cache, () => ({
    call: async ({ injected, args, proceed }) => {
      const result = (await proceed()) as R;
      if (result === undefined || unless?.(result) === true) return result;
      // Placeholders count the arguments. Functions take the result first.
      const seenBy = (given: unknown) => (typeof given === 'function' ? [result, ...args] : args);
      const own = tagsFrom === undefined ? entry : { ...entry, tags: tagsFrom(seenBy(tags)) };
      await injected.set(keyFrom(seenBy(key)), result, own);
      return result;
    },
  }));
}
