import type { ExecutionContext } from '@nestjs/common';
import { CACHE_KEY_METADATA, CACHE_TTL_METADATA } from '@nestjs/cache-manager';
import { InvalidArgumentError } from '../../common/errors.js';
import { POLICY_FIELDS, type WrapContext } from '../../cache/policy.js';
import type { Duration } from '../../common/duration.js';
import type { NodeWrapOptions } from '../../node/hyper-cache-node.js';
import { HTTP_CACHE_METADATA, type HttpCacheOptions } from './http-cache.options.js';
import type { HttpRequest } from './http-response.js';
import type { OuterInterceptors } from './outer-interceptors.js';
import { answersByHand, METADATA } from './handler-metadata.js';
import { KeyBound } from './key-bound.js';
import { digestOf, requestKey } from './request-key.js';
import { tokensOf } from './stored-answer.js';

const DEFAULT_STATUSES = [200, 203, 204, 301, 308];
const DEFAULT_MAX_BYTES = 1_048_576;
const DEFAULT_MAX_KEYS = 10_000;

/** Headers that a handler's own `Vary` may add to the key by itself. */
const NEGOTIATED = ['accept', 'accept-language'];

/** A header without meaning for a cache that runs before compression. */
const AFTER_US = 'accept-encoding';

/** Why a request is not cached. @internal */
export class Bypass {
  constructor(readonly detail: 'credentials' | 'scope' | 'key' | 'request') {}
}

const CREDENTIALS = new Bypass('credentials');
const NO_SCOPE = new Bypass('scope');
const NO_KEY = new Bypass('key');
const BY_REQUEST = new Bypass('request');

/** Everything that is known about a route before any request. @internal */
export class RoutePlan {
  readonly name: string;
  readonly statuses: ReadonlySet<number>;
  readonly maxBytes: number;
  readonly keys: KeyBound;
  readonly storesBytes: boolean;
  readonly hasEtag: boolean;
  /** Whether the clients that share an answer are a private group. */
  readonly isScoped: boolean;
  /** Whether the platform receives exactly what the cache has: nothing in between can change it. */
  readonly isDirect: boolean;
  readonly options: HttpCacheOptions;
  readonly #policy: NodeWrapOptions;
  readonly #freshPolicy: NodeWrapOptions;
  /** How the result of another transport is wrapped. */
  readonly valuePolicy: NodeWrapOptions;
  readonly #ttlOf: ((context: ExecutionContext) => unknown) | undefined;
  readonly #identity: readonly string[];
  readonly #hasHost: boolean;
  #vary: readonly string[];
  /** The digest of a request without scope and headers. */
  #plain = '';
  readonly #stored = new WeakSet<object>();
  /** The reasons that were already reported for not caching a request. */
  readonly #told = new Set<string>();

  constructor(
    context: ExecutionContext,
    options: HttpCacheOptions,
    readonly outer: OuterInterceptors,
  ) {
    const handler = context.getHandler();
    const controller = context.getClass();
    const isModel =
      Reflect.hasMetadata(METADATA.render, handler) ||
      Reflect.hasMetadata(METADATA.redirect, handler);
    this.options = options;
    this.name = `${controller.name}.${handler.name}`;
    this.statuses = new Set(options.status ?? DEFAULT_STATUSES);
    this.maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
    this.keys = new KeyBound(options.maxKeys ?? DEFAULT_MAX_KEYS);
    this.storesBytes = options.store === 'body' && !isModel;
    this.hasEtag = (options.etag ?? true) && !isModel;
    this.isDirect = outer.areNone && !isModel;
    this.isScoped = typeof options.scope === 'function';
    this.#vary = namesOf(options.vary ?? []);
    const version =
      (Reflect.getMetadata(METADATA.version, handler) as unknown) ??
      (Reflect.getMetadata(METADATA.version, controller) as unknown);
    this.#hasHost = Reflect.getMetadata(METADATA.host, controller) !== undefined;
    this.#identity = [this.name, JSON.stringify(version, withSymbols) ?? ''];
    const onStored = (_key: string, answer: unknown): void => void this.#stored.add(Object(answer));
    this.#policy = { ...policyOf(options), onStored };
    this.#freshPolicy = { ...this.#policy, fresh: true };
    this.valuePolicy = { ...policyOf(options), ttl: options.ttl };
    const ttl: unknown = metadataOf(CACHE_TTL_METADATA, context);
    this.#ttlOf = options.ttl === undefined && isFactory(ttl) ? ttl : undefined;
    this.#setPlain();
  }

  /**
   * Returns the plan for the route of a request; undefined when the route must not be cached at all.
   *
   * @throws {HC_ARGUMENT_INVALID}
   */
  static of(
    context: ExecutionContext,
    defaults: HttpCacheOptions | undefined,
    outer: () => OuterInterceptors,
  ): RoutePlan | undefined {
    const handler = context.getHandler();
    const own = Reflect.getMetadata(HTTP_CACHE_METADATA, handler) as HttpCacheOptions | false;
    const ofClass = Reflect.getMetadata(HTTP_CACHE_METADATA, context.getClass()) as typeof own;
    if (own === false || (own === undefined && ofClass === false)) return undefined;
    if (Reflect.hasMetadata(METADATA.sse, handler) || answersByHand(context)) return undefined;
    const key: unknown = Reflect.getMetadata(CACHE_KEY_METADATA, handler);
    const ttl: unknown = metadataOf(CACHE_TTL_METADATA, context);
    const merged = {
      ...defaults,
      ...(ofClass === false ? undefined : ofClass),
      ...(key === undefined
        ? undefined
        : { key: isFactory<string>(key) ? key : () => String(key) }),
      ...(typeof ttl === 'number' || typeof ttl === 'string'
        ? { ttl: ttl as Duration }
        : undefined),
      ...own,
    };
    return new RoutePlan(context, merged, outer());
  }

  /** Names of request headers that are part of the key. */
  get vary(): readonly string[] {
    return this.#vary;
  }

  /** The key of a request, or the reason why it has none. */
  keyOf(context: ExecutionContext, request: HttpRequest): string | Bypass {
    const { scope, respectRequest = false } = this.options;
    if (respectRequest && asksFor(request, 'no-store')) return BY_REQUEST;
    let shared: string | undefined;
    if (scope === undefined) {
      if (hasCredentials(request)) return CREDENTIALS;
    } else if (scope !== 'public') {
      shared = scope(context);
      if (shared === undefined) return NO_SCOPE;
      assertText('scope', shared);
    }
    const rest =
      shared === undefined && this.#vary.length === 0 && !this.#hasHost
        ? this.#plain
        : this.#digest(request, shared);
    const { key } = this.options;
    if (key === undefined) {
      return requestKey(request.originalUrl ?? request.url, this.options.query ?? 'sorted', rest);
    }
    const own = key(context);
    if (own === undefined || own === '') return NO_KEY;
    assertText('key', own);
    return rest === this.#plain ? own : `${own}#${rest}`;
  }

  /** How a request is wrapped. */
  policyFor(request: HttpRequest): NodeWrapOptions {
    return this.options.respectRequest === true && asksFor(request, 'no-cache')
      ? this.#freshPolicy
      : this.#policy;
  }

  /** Passes to the cache what the answer determines. @throws {HC_TTL_INVALID | HC_ARGUMENT_INVALID} */
  adapt(wrapped: WrapContext<unknown>, context: ExecutionContext, body: unknown): void {
    const { tags, ttl } = this.options;
    const own = typeof ttl === 'function' ? ttl(body) : this.#ttlOf?.(context);
    if (own !== undefined) wrapped.set({ ttl: own as Duration });
    if (typeof tags === 'function') wrapped.set({ tags: tags(context, body) });
  }

  /** Whether the cache has stored an answer. It does not when its key was deleted meanwhile. */
  hasStored(answer: object): boolean {
    return this.#stored.has(answer);
  }

  /**
   * Whether an answer may be stored under a key that covers these headers, which its handler has put into `Vary`. The headers
   * that it learns become part of later keys.
   */
  covers(added: readonly string[]): boolean {
    const unknown = added.filter((name) => name !== AFTER_US && !this.#vary.includes(name));
    if (unknown.length === 0) return true;
    const mayLearn = this.options.vary === undefined;
    if (mayLearn && unknown.every((name) => NEGOTIATED.includes(name))) {
      this.#vary = NEGOTIATED;
      this.#setPlain();
    }
    return false;
  }

  /** Whether this is the first report of its kind for the route. */
  isNews(what: string): boolean {
    if (this.#told.has(what)) return false;
    this.#told.add(what);
    return true;
  }

  #setPlain(): void {
    this.#plain = digestOf(this.#identity);
  }

  #digest({ headers }: HttpRequest, shared: string | undefined): string {
    const parts = [...this.#identity, shared === undefined ? 'public' : 'scope', shared ?? ''];
    const names = this.#hasHost ? ['host', ...this.#vary] : this.#vary;
    for (const name of names) {
      const value = headers[name];
      parts.push(name, value === undefined ? '' : `:${String(value)}`);
    }
    return digestOf(parts);
  }
}

function policyOf(options: HttpCacheOptions): NodeWrapOptions {
  const policy: Record<string, unknown> = {};
  for (const name of [...POLICY_FIELDS, 'policy'] as const) {
    const given: unknown = options[name];
    const followsFromBody = typeof given === 'function' && name !== 'graceOn';
    if (given !== undefined && !followsFromBody) policy[name] = given;
  }
  return policy;
}

function hasCredentials({ headers, user }: HttpRequest): boolean {
  return (
    headers.authorization !== undefined ||
    headers.cookie !== undefined ||
    (user !== undefined && user !== null)
  );
}

/** `Pragma` was the `no-cache` of the time before `Cache-Control`. */
function asksFor({ headers }: HttpRequest, directive: 'no-cache' | 'no-store'): boolean {
  const given = tokensOf(headers['cache-control'] ?? headers['pragma']);
  return given.includes(directive);
}

function metadataOf(name: string, context: ExecutionContext): unknown {
  return (
    (Reflect.getMetadata(name, context.getHandler()) as unknown) ??
    (Reflect.getMetadata(name, context.getClass()) as unknown)
  );
}

function isFactory<T>(given: unknown): given is (context: ExecutionContext) => T | undefined {
  return typeof given === 'function';
}

function namesOf(names: readonly string[]): string[] {
  return Array.from(new Set(names.map((name) => name.toLowerCase()))).toSorted();
}

/** `VERSION_NEUTRAL` is a symbol. */
function withSymbols(_name: string, value: unknown): unknown {
  return typeof value === 'symbol' ? String(value) : value;
}

function assertText(option: string, given: unknown): asserts given is string {
  if (typeof given === 'string') return;
  throw new InvalidArgumentError(
    `The \`${option}\` of @HttpCache has returned a value that is no text.`,
    'Return a string, or undefined for a request that is not to be cached.',
  );
}
