import { InvalidArgumentError } from '../../common/errors.js';
import { checkFields } from '../call-options.js';
import type { HyperCache } from '../hyper-cache.service.js';
import { assertFunction, cacheMethod, type AsyncMethodDecorator } from './cache-method.js';
import { listFrom, textFrom } from './key-of-call.js';

/**
 * What `@CacheEvict` deletes after a method with the first arguments `A` succeeds. It deletes everything that is named.
 *
 * @publicApi
 */
export interface CacheEvictOptions<A extends unknown[] = []> {
  /** A text with placeholders for arguments (`'product:{0}'`), or a function of the arguments. */
  key?: string | ((...args: A) => string) | undefined;
  /** The keys to delete, as texts with placeholders, or a function of the arguments. */
  keys?: readonly string[] | ((...args: A) => readonly string[]) | undefined;
  /** Deletes the entries with any of these tags, which may have placeholders. */
  tags?: readonly string[] | ((...args: A) => readonly string[]) | undefined;
  /** The beginning of the keys to delete. End it with a separator: `'user:1'` is also the beginning of `'user:10'`. */
  prefix?: string | ((...args: A) => string) | undefined;
  /** Deletes the whole cache. */
  all?: true | undefined;
  /** With `'expire'`, entries with `stale` or `grace` stay for these windows, and the others are deleted. @default 'delete' */
  mode?: 'delete' | 'expire' | undefined;
  /** Deletes before the method is called, whether or not the method succeeds. @default false */
  before?: boolean | undefined;
  /** A cache of `HyperCacheModule.forFeature`. @default the application's */
  cache?: string | undefined;
  /** When it returns false, nothing is deleted. */
  when?: ((...args: A) => boolean) | undefined;
}

type Removal = (cache: HyperCache, args: readonly unknown[]) => Promise<unknown>;

/**
 * Deletes entries once an asynchronous method has succeeded, before its promise resolves. A result that a factory makes
 * meanwhile from older data is not stored. When the method throws, nothing is deleted.
 *
 * If the deletion fails, the call rejects with the cache's error, although the method has done its work.
 *
 * @example
 * ```ts
 * export class Products {
 *   @CacheEvict({ key: 'product:{0.id}' })
 *   async edit(product: Product): Promise<void> {
 *     await save(product);
 *   }
 * }
 * ```
 * @throws {HC_ARGUMENT_INVALID} when the class is loaded
 * @publicApi
 */
export function CacheEvict<A extends unknown[] = []>(
  options: CacheEvictOptions<A>,
): AsyncMethodDecorator<A, unknown> {
  checkFields('CacheEvict', Object(options));
  const { before = false, cache, when } = Object(options) as CacheEvictOptions<A>;
  assertFunction('`when` of @CacheEvict', when);
  const removals = removalsOf<A>(Object(options));
  const remove = async (injected: HyperCache, args: readonly unknown[]): Promise<void> => {
    if (when !== undefined && !when(...(args as A))) return;
    const all = await Promise.allSettled(removals.map((removal) => removal(injected, args)));
    const failed = all.find((each) => each.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  };
  return cacheMethod('CacheEvict', cache, () => ({
    call: async ({ injected, args, proceed }) => {
      if (before) await remove(injected, args);
      const result = await proceed();
      if (!before) await remove(injected, args);
      return result;
    },
  }));
}

function removalsOf<A extends unknown[]>({
  key,
  keys,
  tags,
  prefix,
  all,
  mode = 'delete',
}: CacheEvictOptions<A>): Removal[] {
  if (mode !== 'delete' && mode !== 'expire') {
    throw new InvalidArgumentError(
      `The \`mode\` of @CacheEvict is '${String(mode)}'.`,
      "Give 'delete' or 'expire'.",
    );
  }
  const is = { expire: mode === 'expire' };
  const removals: Removal[] = [];
  if (key !== undefined) {
    const keyOf = textFrom('key of @CacheEvict', key);
    removals.push(async (cache, args) =>
      is.expire ? cache.expire(keyOf(args)) : cache.del(keyOf(args)),
    );
  }
  if (keys !== undefined) {
    const keysOf = listFrom('keys of @CacheEvict', keys);
    removals.push(async (cache, args) =>
      is.expire
        ? Promise.all(keysOf(args).map((each) => cache.expire(each)))
        : cache.mdel(keysOf(args)),
    );
  }
  if (tags !== undefined) {
    const tagsOf = listFrom('tags of @CacheEvict', tags);
    removals.push(async (cache, args) =>
      Promise.all(
        tagsOf(args).map((tag) => (is.expire ? cache.expireByTag(tag) : cache.delByTag(tag))),
      ),
    );
  }
  if (prefix !== undefined) {
    const prefixOf = textFrom('prefix of @CacheEvict', prefix);
    removals.push(async (cache, args) => {
      const begin = nonEmpty(prefixOf(args));
      return is.expire ? cache.expireByPrefix(begin) : cache.delByPrefix(begin);
    });
  }
  if (all === true)
    removals.push((cache) => (is.expire ? cache.expireByPrefix('') : cache.clear()));
  if (removals.length > 0) return removals;
  throw new InvalidArgumentError(
    '@CacheEvict names nothing to delete.',
    'Give it one or more of key, keys, tags, prefix and all.',
  );
}

/** Every key begins with the empty text. */
function nonEmpty(prefix: string): string {
  if (prefix !== '') return prefix;
  throw new InvalidArgumentError(
    'The prefix of @CacheEvict is empty.',
    'Write `all: true` where the whole cache is meant.',
  );
}
