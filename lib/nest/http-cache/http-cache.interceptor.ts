import {
  Inject,
  Injectable,
  Logger,
  Optional,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { ExternalContextCreator } from '@nestjs/core';
import { from, lastValueFrom, type Observable } from 'rxjs';
import type { HyperCacheError } from '../../common/errors.js';
import { guardedLogger, type HyperCacheLogger } from '../../common/logger.js';
import type { HyperCacheNode, NodeCache } from '../../node/hyper-cache-node.js';
import type { ResolvedOptions } from '../../node/options.js';
import { HYPERCACHE_NODE, RESOLVED_OPTIONS } from '../hyper-cache.constants.js';
import { bypassed, tellOutcome } from './cache-headers.js';
import { CachedRequest } from './cached-request.js';
import { HTTP_CACHE_DEFAULTS, type HttpCacheOptions } from './http-cache.options.js';
import { httpResponse, type HttpRequest } from './http-response.js';
import { outerInterceptors } from './outer-interceptors.js';
import { Bypass, RoutePlan } from './route-plan.js';

/** Marks a request that one of these interceptors handles. A second one leaves it alone. */
const TAKEN = Symbol('HttpCacheInterceptor');

/**
 * Answers GET and HEAD from the application's cache. It replaces Nest's `CacheInterceptor`, and reads the same `@CacheKey` and
 * `@CacheTTL`. Concurrent requests of one key share one call of the handler, also across nodes. Answers for one client only
 * (credentials, cookies, streams) are neither shared nor stored.
 *
 * @publicApi
 */
@Injectable()
export class HttpCacheInterceptor implements NestInterceptor {
  readonly #cache: NodeCache;
  readonly #logger: HyperCacheLogger | undefined;
  /** By handler and controller, because several controllers may share a base class. */
  readonly #plans = new WeakMap<object, WeakMap<object, { readonly is: RoutePlan | undefined }>>();

  constructor(
    @Inject(HYPERCACHE_NODE) node: HyperCacheNode,
    @Inject(RESOLVED_OPTIONS) { namespace, logger = new Logger('HyperCache') }: ResolvedOptions,
    private readonly creator: ExternalContextCreator,
    @Optional() @Inject(HTTP_CACHE_DEFAULTS) private readonly defaults?: HttpCacheOptions,
  ) {
    this.#cache = node.cache(namespace);
    this.#logger = logger === false ? undefined : guardedLogger(logger);
  }

  intercept(
    context: ExecutionContext,
    next: CallHandler,
  ): Observable<unknown> | Promise<Observable<unknown>> {
    const plan = this.#planOf(context);
    if (plan === undefined) return next.handle();
    if (context.getType() !== 'http') return this.#plain(plan, context, next);
    const request = context.getArgByIndex<HttpRequest & { [TAKEN]?: true }>(0);
    const isHead = request.method === 'HEAD';
    if ((!isHead && request.method !== 'GET') || request[TAKEN] === true) return next.handle();
    request[TAKEN] = true;
    const response = httpResponse(context.getArgByIndex<object>(1));
    const key = plan.keyOf(context, request);
    if (key instanceof Bypass) {
      if (key.detail === 'credentials') this.#tellOfCredentials(plan);
      tellOutcome(response, plan.options, bypassed(key.detail));
      return next.handle();
    }
    const onSilentError = this.#onSilentError;
    const cache = this.#cache;
    const cached = new CachedRequest({
      cache,
      plan,
      context,
      next,
      request,
      response,
      key,
      onSilentError,
    });
    return isHead ? cached.answerHead() : cached.answer();
  }

  /** Other transports have no URL and no headers. Their results are cached where they name a key. */
  #plain(plan: RoutePlan, context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const key = plan.options.key?.(context);
    if (key === undefined || key === '') return next.handle();
    const make = (): Promise<unknown> => lastValueFrom(next.handle());
    const cache = this.#cache;
    return from(
      Promise.resolve(cache.wrap(key, make, plan.valuePolicy)).then(({ value }) =>
        cache.release(value),
      ),
    );
  }

  #planOf(context: ExecutionContext): RoutePlan | undefined {
    const handler = context.getHandler();
    const controller = context.getClass();
    let plans = this.#plans.get(handler);
    if (plans === undefined) this.#plans.set(handler, (plans = new WeakMap()));
    let plan = plans.get(controller);
    if (plan === undefined) {
      plan = {
        is: RoutePlan.of(context, this.defaults, () =>
          outerInterceptors(context, this.creator, HttpCacheInterceptor),
        ),
      };
      plans.set(controller, plan);
    }
    return plan.is;
  }

  readonly #onSilentError = (plan: RoutePlan, error: HyperCacheError): void => {
    if (!plan.isNews(error.code)) return;
    this.#logger?.warn(
      `${plan.name}() is answered without the cache. ${error.code}: ${error.message}`,
    );
  };

  #tellOfCredentials(plan: RoutePlan): void {
    if (!plan.isNews('credentials')) return;
    this.#logger?.log(
      `${plan.name}() is not cached for requests with credentials. Declare who shares its answers: @HttpCache({ scope }).`,
    );
  }
}
