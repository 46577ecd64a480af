import { AsyncLocalStorage } from 'node:async_hooks';
import {
  HttpException,
  Inject,
  Injectable,
  Logger,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { defaultIfEmpty, from, lastValueFrom, type Observable } from 'rxjs';
import {
  getHyperCacheToken,
  HyperCacheError,
  InvalidArgumentError,
  type HyperCache,
  type Lock,
  type Versioned,
} from '../index.js';
import type { ResolvedIdempotentOptions } from './idempotent-options.js';
import { bodyText, type AnswerRecord, type IdempotencyRecord } from './idempotency-record.js';
import { IdempotencyProblem } from './problem.js';
import { entryKeyOf, fingerprintOf, keyOf, type RequestLike } from './request-key.js';

/** @internal */
export const CACHE_NAME = 'idempotency';
/** The metadata key of the decorator's options on the handler. @internal */
export const OPTIONS = Symbol('HyperCache: options of @Idempotent');

/** How long a key counts as in progress after its process has died, in ms. It is renewed while the request runs. */
const LEASE_MS = 10_000;

/** The part of a response that we use, on Express and on Fastify. */
interface ResponseLike {
  statusCode: number;
  readonly headersSent?: boolean;
  readonly sent?: boolean;
  status(code: number): unknown;
  header(name: string, value: string): unknown;
  getHeader(name: string): unknown;
}

/** One request with a key. */
interface Attempt {
  readonly options: ResolvedIdempotentOptions;
  readonly response: ResponseLike;
  readonly fingerprint: string;
  readonly entryKey: string;
  readonly next: CallHandler;
  /** The name of the handler, for messages. */
  readonly handler: string;
  /** Whether the handler itself was called. Pipes run before it. */
  hasBegun: boolean;
}

/** Requests in progress. A decorator that is present twice counts once. */
const requests = new WeakSet<object>();

const attempts = new AsyncLocalStorage<Attempt>();

/** Notes that the handler of the current request was called. @internal */
export function markBegun(): void {
  const attempt = attempts.getStore();
  if (attempt !== undefined) attempt.hasBegun = true;
}

/** @internal */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  readonly #logger = new Logger('HyperCache');

  constructor(@Inject(getHyperCacheToken(CACHE_NAME)) private readonly cache: HyperCache) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'http') return next.handle();
    const request = context.switchToHttp().getRequest<RequestLike>();
    if (requests.has(request)) return next.handle();
    requests.add(request);
    return from(this.#answer(context, request, next));
  }

  async #answer(
    context: ExecutionContext,
    request: RequestLike,
    next: CallHandler,
  ): Promise<unknown> {
    const handler = context.getHandler();
    const options = Reflect.getMetadata(OPTIONS, handler) as ResolvedIdempotentOptions;
    if (!options.methods.includes(request.method)) {
      throw new InvalidArgumentError(
        `@Idempotent is on ${handler.name}(), which answers ${request.method}.`,
        "Remove it: such a request is idempotent by itself. Or give { methods: ['PUT'] }.",
      );
    }
    const response = context.switchToHttp().getResponse<ResponseLike>();
    try {
      const key = keyOf(request, options.header);
      if (key === undefined) {
        if (options.required) throw new IdempotencyProblem('key_missing');
        return await lastValueFrom(next.handle().pipe(defaultIfEmpty(undefined)));
      }
      const fingerprint = fingerprintOf(context, request, options);
      const entryKey = entryKeyOf(context, request, key, options);
      return await this.#runOnce({
        options,
        response,
        fingerprint,
        entryKey,
        next,
        handler: handler.name,
        hasBegun: false,
      });
    } catch (error) {
      if (error instanceof IdempotencyProblem) {
        response.header('content-type', 'application/problem+json');
      }
      throw error;
    }
  }

  async #runOnce(attempt: Attempt): Promise<unknown> {
    const lock = this.cache.lock(`idempotency:${attempt.entryKey}`, { ttl: LEASE_MS, renew: true });
    try {
      const claim = await this.#claim(lock, attempt);
      if (typeof claim !== 'number') return replay(claim, attempt);
      return await this.#handle(attempt, claim);
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      const mayRun = attempt.options.onUnavailable === 'run' && !error.isFull;
      if (!mayRun) throw new IdempotencyProblem('unavailable', error.cause);
      return await handled(attempt);
    } finally {
      if (lock.isHeld) await lock.release().catch((error: unknown) => this.#warn(attempt, error));
    }
  }

  /** Under the lock, returns the existing answer, or the revision of a note that this request is in progress. */
  async #claim(lock: Lock, attempt: Attempt): Promise<AnswerRecord | number> {
    const { options, entryKey, fingerprint } = attempt;
    try {
      let isHeld = await lock.acquire();
      let known = await this.#find(attempt);
      if (!isHeld) {
        if (known.value !== undefined && known.value.state !== 'running') return known.value;
        isHeld = options.onConcurrent === 'wait' && (await lock.acquire({ wait: options.wait }));
        if (!isHeld) throw new IdempotencyProblem('in_progress');
        known = await this.#find(attempt);
      }
      if (known.value !== undefined && known.value.state !== 'running') return known.value;
      // No request is in progress: the process of the earlier one has ended.
      if (known.value !== undefined && options.onCrash === 'reject') {
        throw new IdempotencyProblem('outcome_unknown');
      }
      const running: IdempotencyRecord = { state: 'running', fingerprint };
      const begun = await this.cache.setIf(entryKey, running, known.revision, options.ttl);
      if (!begun.stored) throw new IdempotencyProblem('in_progress');
      return begun.revision;
    } catch (error) {
      throw error instanceof HyperCacheError ? new Unavailable(error) : error;
    }
  }

  /** The record of the key, if it belongs to the same request. This check comes before any other. */
  async #find({ entryKey, fingerprint }: Attempt): Promise<Versioned<IdempotencyRecord>> {
    const known = await this.cache.getWithRevision<IdempotencyRecord>(entryKey);
    if (known.value !== undefined && known.value.fingerprint !== fingerprint) {
      throw new IdempotencyProblem('key_reused');
    }
    return known;
  }

  async #handle(attempt: Attempt, revision: number): Promise<unknown> {
    let body: unknown;
    try {
      body = await attempts.run(attempt, () => handled(attempt));
    } catch (error) {
      await this.#keep(attempt, revision, failureOf(error, attempt));
      throw error;
    }
    await this.#keep(attempt, revision, answerOf(body, attempt));
    return body;
  }

  /**
   * Stores the answer before it is sent. A request that has had its effect is answered, whether or not the answer could be
   * stored.
   */
  async #keep(attempt: Attempt, revision: number, record: AnswerRecord | undefined): Promise<void> {
    const { entryKey, options } = attempt;
    try {
      if (record === undefined) {
        await this.cache.del(entryKey);
        return;
      }
      if (record.state === 'not stored') {
        this.#warn(attempt, 'it is no plain JSON, or too large: give `serialize` or `maxBytes`');
      }
      const { stored } = await this.cache.setIf(entryKey, record, revision, options.ttl);
      if (!stored) this.#warn(attempt, 'the lease was lost meanwhile');
    } catch (error) {
      if (!(error instanceof HyperCacheError)) throw error;
      this.#warn(attempt, error);
    }
  }

  #warn({ handler }: Attempt, why: unknown): void {
    const text = why instanceof Error ? why.message : String(why);
    this.#logger.warn(`An answer of ${handler} under @Idempotent was not kept: ${text}.`);
  }
}

/** The cache could not check whether the key was used. Nothing has happened yet. */
class Unavailable {
  constructor(readonly cause: HyperCacheError) {}

  get isFull(): boolean {
    return this.cause.code === 'HC_STORAGE_FULL';
  }
}

function handled({ next }: Attempt): Promise<unknown> {
  return lastValueFrom(next.handle().pipe(defaultIfEmpty(undefined)));
}

/** The record of an answer; undefined when the key becomes free again. */
function answerOf(body: unknown, attempt: Attempt): AnswerRecord | undefined {
  const { options, response, fingerprint } = attempt;
  const status = response.statusCode;
  if (!options.store(status)) return undefined;
  const isSentByHand = response.headersSent === true || response.sent === true;
  const serialize = options.serialize ?? ((value: unknown) => value);
  const text = isSentByHand ? undefined : bodyText(serialize(body));
  if (text === undefined || Buffer.byteLength(text) > options.maxBytes) {
    return { state: 'not stored', fingerprint, status, headers: {}, body: '' };
  }
  return { state: 'answered', fingerprint, status, headers: keptHeaders(attempt), body: text };
}

/** As {@link answerOf}, for an error. */
function failureOf(error: unknown, attempt: Attempt): AnswerRecord | undefined {
  const { options, fingerprint, hasBegun } = attempt;
  if (!hasBegun || !(error instanceof HttpException)) return undefined;
  const status = error.getStatus();
  if (!options.store(status)) return undefined;
  const headers = keptHeaders(attempt);
  const body = bodyText(error.getResponse());
  if (body !== undefined) return { state: 'failed', fingerprint, status, headers, body };
  return { state: 'not stored', fingerprint, status, headers: {}, body: '' };
}

function keptHeaders({ options, response }: Attempt): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of options.headers) {
    const value: unknown = response.getHeader(name);
    if (typeof value === 'string' || typeof value === 'number') kept[name] = String(value);
  }
  return kept;
}

function replay(record: AnswerRecord, { response }: Attempt): unknown {
  const { state, status, headers, body } = record;
  response.header('Idempotency-Replayed', 'true');
  if (state === 'not stored') throw new IdempotencyProblem('outcome_not_stored');
  for (const [name, value] of Object.entries(headers)) response.header(name, value);
  const value: unknown = body === '' ? undefined : JSON.parse(body);
  if (state === 'failed') throw new HttpException(value as Record<string, unknown>, status);
  response.status(status);
  return value;
}
