import { SetMetadata, type ExecutionContext } from '@nestjs/common';
import { InvalidArgumentError } from '../../common/errors.js';
import type { PolicyName, WrapPolicy } from '../../cache/policy.js';
import { checkPolicyOptions } from '../call-options.js';

/**
 * How the answers of a route are cached, in addition to the options of `HyperCache.wrap` such as `ttl`.
 *
 * @publicApi
 */
export interface HttpCacheOptions<Body = unknown> extends Omit<
  WrapPolicy<Body>,
  'tags' | 'refreshThreshold'
> {
  /** With less than this many milliseconds left, a hit also calls the handler in the background. */
  refreshThreshold?: number | undefined;
  /** The name of a policy of `forRoot({ policies })`. The other fields here take precedence over it. */
  policy?: PolicyName | undefined;
  /** The whole key; undefined means not cached. @default made of method, path, query, version, `vary` and `scope` */
  key?: ((context: ExecutionContext) => string | undefined) | undefined;
  /**
   * Names of request headers on which the answer depends. They become part of the key and of `Vary`.
   *
   * @default none; `accept` and `accept-language` for a route whose handler sets `Vary` to one of them
   */
  vary?: readonly string[] | undefined;
  /**
   * Which clients share an answer: all, or those for which the function returns the same text; undefined means not cached.
   *
   * @default all clients without credentials; a request with `Authorization`, `Cookie` or `request.user` is not cached
   */
  scope?: 'public' | ((context: ExecutionContext) => string | undefined) | undefined;
  /** Which query parameters are part of the key. Their order does not matter. @default 'sorted', all of them */
  query?: 'sorted' | readonly string[] | false | undefined;
  /** Names by which `delByTag` finds the entry; 64 at most. */
  tags?:
    readonly string[] | ((context: ExecutionContext, body: Body) => readonly string[]) | undefined;
  /** Statuses that are stored. Other answers reach only the requests that wait for them. @default [200, 203, 204, 301, 308] */
  status?: readonly number[] | undefined;
  /** Bytes of JSON above which an answer is not stored. @default 1_048_576 */
  maxBytes?: number | undefined;
  /** The most entries of the route that this process keeps. The oldest is removed first. @default 10_000 */
  maxKeys?: number | undefined;
  /**
   * `'value'`: the handler's result passes through the outer interceptors each time. `'body'`: the answer is kept as bytes and
   * sent unchanged; outer interceptors see a Buffer. @default 'value'
   */
  store?: 'value' | 'body' | undefined;
  /** Whether answers get an `ETag` and a matching `If-None-Match` gets a 304. @default true */
  etag?: boolean | undefined;
  /**
   * The `Cache-Control` of stored answers, unless the handler has set one; false means none.
   *
   * @default 'auto': `private, max-age=<seconds left>`; `public` only with `scope: 'public'`
   */
  cacheControl?: 'auto' | (string & {}) | false | undefined;
  /** Which headers report what the cache did. @default 'both' */
  statusHeader?: 'cache-status' | 'x-cache' | 'both' | false | undefined;
  /**
   * Whether `no-cache` (the handler is called) and `no-store` (not cached) of a request are followed. Every client can then
   * make the handler run. @default false
   */
  respectRequest?: boolean | undefined;
}

/** The injection token of the options of `HttpCacheModule.forRoot`. @internal */
export const HTTP_CACHE_DEFAULTS = Symbol('HttpCacheModule.forRoot()');

/** The metadata key of the options that {@link HttpCache} sets on a class or a method. @internal */
export const HTTP_CACHE_METADATA = Symbol('HttpCache');

const OWN_FIELDS = [
  'key',
  'vary',
  'scope',
  'query',
  'status',
  'maxBytes',
  'maxKeys',
  'store',
  'etag',
  'cacheControl',
  'statusHeader',
  'respectRequest',
] as const;

/** The accepted values of each option. */
const ALLOWED: Readonly<
  Record<(typeof OWN_FIELDS)[number] | 'tags', { is: (given: unknown) => boolean; what: string }>
> = {
  key: { is: isFunction, what: 'a function of the ExecutionContext' },
  vary: { is: areTexts, what: "an array of names of request headers, such as ['accept']" },
  scope: {
    is: (given) => given === 'public' || isFunction(given),
    what: "'public' or a function of the ExecutionContext",
  },
  query: {
    is: (given) => given === 'sorted' || given === false || areTexts(given),
    what: "'sorted', an array of names of parameters, or false",
  },
  tags: {
    is: (given) => areTexts(given) || isFunction(given),
    what: 'an array of texts, or a function of the ExecutionContext and the body',
  },
  status: {
    is: (given) => Array.isArray(given) && given.every((each) => isCount(each) && each < 600),
    what: 'an array of statuses, such as [200, 404]',
  },
  maxBytes: { is: isCount, what: 'a number of bytes above 0' },
  maxKeys: { is: isCount, what: 'a whole number above 0' },
  store: { is: (given) => given === 'value' || given === 'body', what: "'value' or 'body'" },
  etag: { is: (given) => typeof given === 'boolean', what: 'true or false' },
  cacheControl: {
    is: (given) => given === false || (typeof given === 'string' && /^[\t\x20-\x7e]+$/.test(given)),
    what: "'auto', the text of a Cache-Control header, or false",
  },
  respectRequest: { is: (given) => typeof given === 'boolean', what: 'true or false' },
  statusHeader: {
    is: (given) => ['cache-status', 'x-cache', 'both', false].includes(given as string),
    what: "'cache-status', 'x-cache', 'both' or false",
  },
};

/**
 * Sets how `HttpCacheInterceptor` caches the routes of a controller, or one route. The options of a route take precedence;
 * `false` means no caching.
 *
 * @example
 * ```ts
 * @Controller('products')
 * @UseInterceptors(HttpCacheInterceptor)
 * export class ProductsController {
 *   @Get()
 *   @HttpCache({ ttl: '1m', query: ['page'], tags: ['products'] })
 *   async list(): Promise<Product[]> {
 *     return [];
 *   }
 * }
 * ```
 * @throws {HC_ARGUMENT_INVALID | HC_TTL_INVALID} when the class is loaded
 * @publicApi
 */
export function HttpCache<Body = unknown>(
  options: HttpCacheOptions<Body> | false,
): MethodDecorator & ClassDecorator {
  if (options !== false) checkHttpCacheOptions('HttpCache', options);
  return SetMetadata(HTTP_CACHE_METADATA, options);
}

/** @throws {HC_ARGUMENT_INVALID | HC_TTL_INVALID} @internal */
export function checkHttpCacheOptions(called: string, options: HttpCacheOptions<never>): void {
  checkPolicyOptions(called, options, OWN_FIELDS);
  for (const [name, { is, what }] of Object.entries(ALLOWED)) {
    const given: unknown = Reflect.get(options, name);
    if (given === undefined || is(given)) continue;
    throw new InvalidArgumentError(
      `\`${name}\` of ${called}() is not acceptable.`,
      `Give ${what}.`,
    );
  }
}

function isFunction(given: unknown): boolean {
  return typeof given === 'function';
}

function areTexts(given: unknown): boolean {
  return Array.isArray(given) && given.every((each) => typeof each === 'string' && each !== '');
}

function isCount(given: unknown): given is number {
  return Number.isSafeInteger(given) && Number(given) > 0;
}
