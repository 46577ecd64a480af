import type { CallHandler, ExecutionContext } from '@nestjs/common';
import { EmptyError, of, type Observable } from 'rxjs';
import type { Awaitable } from '../../common/awaitable.js';
import { systemClock } from '../../common/clock.js';
import { FactoryTimeoutError, HyperCacheError } from '../../common/errors.js';
import type { NodeCache, NodeEntry } from '../../node/hyper-cache-node.js';
import { cacheControlOf, hit, missed, tellOutcome, type Outcome } from './cache-headers.js';
import { isNamedBy } from './etag.js';
import type { HttpRequest, HttpResponse } from './http-response.js';
import { newAnswer, type NewAnswer } from './new-answer.js';
import type { RoutePlan } from './route-plan.js';
import { addVary, isStoredAnswer, type StoredAnswer } from './stored-answer.js';

/** How an answer that is not to be stored leaves `wrap`: what is thrown is told to all who wait, and kept by nobody. */
class NotStored {
  constructor(readonly made: NewAnswer) {}
}

/** Errors of a cache that handlers have thrown: they reach all who wait, as all that handlers throw does. */
const thrown = new WeakSet<HyperCacheError>();

/** @internal */
export interface CachedRequestParts {
  readonly cache: NodeCache;
  readonly plan: RoutePlan;
  readonly context: ExecutionContext;
  readonly next: CallHandler;
  readonly request: HttpRequest;
  readonly response: HttpResponse;
  readonly key: string;
  /** Tells once for each route and code what no client is told. */
  readonly onSilentError: (plan: RoutePlan, error: HyperCacheError) => void;
}

/** One request for which there is a key. @internal */
export class CachedRequest {
  #hasBegun = false;
  #made: NewAnswer | undefined;
  /** When it began to wait; undefined while it has not. */
  #waitsSince: number | undefined;

  constructor(private readonly parts: CachedRequestParts) {}

  /** The body, or the handler's own Observable where nothing is shared. */
  answer(): Awaitable<Observable<unknown>> {
    const { cache, plan, context, key } = this.parts;
    try {
      const policy = plan.policyFor(context, () => this.#made?.body);
      const entry = cache.wrap(key, () => this.#make(policy), policy);
      if (!(entry instanceof Promise)) return this.#found(entry);
      this.#waitsSince = systemClock.now();
      return entry.then(this.#found, this.#failed);
    } catch (error) {
      return this.#failed(error);
    }
  }

  /** As {@link answer}, of what is there; a HEAD has no body to store. */
  answerHead(): Awaitable<Observable<unknown>> {
    const { cache, key, next } = this.parts;
    const found = (entry: NodeEntry | undefined): Observable<unknown> => {
      if (entry !== undefined) return this.#found(entry);
      this.#tell(missed('detail=head'));
      return next.handle();
    };
    try {
      const entry = cache.find(key);
      return entry instanceof Promise ? entry.then(found, this.#failed) : found(entry);
    } catch (error) {
      return this.#failed(error);
    }
  }

  readonly #found = (entry: NodeEntry): Observable<unknown> => {
    const { plan, cache } = this.parts;
    const secondsLeft = Math.floor((entry.expiresAt - systemClock.coarseNow()) / 1000);
    if (this.#made !== undefined) return this.#fresh(this.#made, secondsLeft);
    const stored = entry.value;
    if (!isStoredAnswer(stored)) {
      // The application has set it itself under a key of its own.
      this.#tell(hit(secondsLeft));
      return of(cache.release(stored));
    }
    const isCollapsed = this.#waitsSince !== undefined && stored.at >= this.#waitsSince;
    const outcome = isCollapsed ? missed('collapsed') : hit(secondsLeft);
    this.#applyHeaders(stored);
    if (!isCollapsed) this.#set('Age', ageOf(stored));
    const body = stored.bytes ?? (plan.isDirect ? stored.body : cache.release(stored.body));
    return this.#send(stored, body, outcome, cacheControlOf(plan.options, secondsLeft));
  };

  readonly #failed = (error: unknown): Observable<unknown> => {
    const { plan, next } = this.parts;
    if (error instanceof NotStored) return this.#unstored(error.made);
    const isOfHandler = !(error instanceof HyperCacheError) || thrown.has(error);
    if (isOfHandler || error instanceof FactoryTimeoutError) throw error;
    this.parts.onSilentError(plan, error);
    const outcome = missed(`detail=${error.code}`);
    if (this.#made !== undefined) return this.#send(undefined, this.#made.body, outcome, undefined);
    if (this.#hasBegun) throw error;
    this.#tell(outcome);
    return next.handle();
  };

  /** What the handler of this request has made and the cache has taken. */
  #fresh({ answer, body }: NewAnswer, secondsLeft: number): Observable<unknown> {
    const { plan, key, cache } = this.parts;
    const isStored = plan.hasStored(answer);
    if (isStored) {
      const gone = plan.keys.add(key);
      if (gone !== undefined) {
        cache.delete(gone).catch((error: unknown) => {
          if (error instanceof HyperCacheError) this.parts.onSilentError(plan, error);
        });
      }
    }
    if (answer.bytes !== undefined) this.#applyHeaders(answer);
    const outcome = missed(isStored ? 'stored' : 'detail=changed-meanwhile');
    const cacheControl = cacheControlOf(plan.options, secondsLeft);
    return this.#send(answer, answer.bytes ?? body, outcome, isStored ? cacheControl : undefined);
  }

  /** What was made and is not to be stored, by this request or by the one that this one has waited for. */
  #unstored(made: NewAnswer): Observable<unknown> {
    const { next } = this.parts;
    const isOwn = made === this.#made;
    const outcome = missed(`${isOwn ? '' : 'collapsed; '}detail=${made.unstored}`);
    if (isOwn) return this.#send(undefined, made.body, outcome, undefined);
    if (!made.isShareable) {
      this.#tell(missed(`detail=${made.unstored}`));
      return next.handle();
    }
    this.#applyHeaders(made.answer);
    return this.#send(made.answer, made.body, outcome, undefined);
  }

  /** The factory: calls the handler, and looks at what it has done to the response. */
  async #make(policy: { tags?: readonly string[] | undefined }): Promise<StoredAnswer> {
    const { plan, context, response } = this.parts;
    this.#hasBegun = true;
    const before = response.headers();
    try {
      const { body, emissions } = await this.#callHandler();
      this.#made = newAnswer(plan, response, body, { before, emissions });
      const { tags } = plan.options;
      if (typeof tags === 'function') policy.tags = tags(context, body);
    } catch (error) {
      if (error instanceof HyperCacheError) thrown.add(error);
      throw error;
    }
    if (this.#made.unstored !== undefined) throw new NotStored(this.#made);
    return this.#made.answer;
  }

  /** To its end, whether or not the client waits for it. */
  #callHandler(): Promise<{ body: unknown; emissions: number }> {
    return new Promise((resolve, reject) => {
      let body: unknown;
      let emissions = 0;
      this.parts.next.handle().subscribe({
        next: (value) => {
          body = value;
          emissions++;
        },
        error: reject,
        complete: () => (emissions === 0 ? reject(new EmptyError()) : resolve({ body, emissions })),
      });
    });
  }

  #send(
    answer: StoredAnswer | undefined,
    body: unknown,
    outcome: Outcome,
    cacheControl: string | undefined,
  ): Observable<unknown> {
    const { plan, request, response } = this.parts;
    if (response.hasAnswered) return of(body);
    this.#tell(outcome);
    if (answer === undefined) return of(body);
    if (plan.vary.length > 0) addVary(response, plan.vary);
    if (cacheControl !== undefined && response.get('cache-control') === undefined) {
      response.set('Cache-Control', cacheControl);
    }
    const { etag } = answer;
    if (etag !== undefined) response.set('ETag', etag);
    if (
      etag !== undefined &&
      answer.status === 200 &&
      isNamedBy(request.headers['if-none-match'], etag)
    ) {
      response.sendsNotModified();
    } else if (answer.bytes !== undefined) response.sendsAsIs(answer.bytes);
    return of(body);
  }

  #applyHeaders({ status, headers }: StoredAnswer): void {
    const { response } = this.parts;
    if (response.hasAnswered) return;
    response.status = status;
    for (const name in headers) {
      const value = headers[name];
      if (value === undefined) continue;
      if (name === 'vary')
        addVary(
          response,
          String(value)
            .toLowerCase()
            .split(/\s*,\s*/),
        );
      else response.set(name, value);
    }
  }

  #tell(outcome: Outcome): void {
    tellOutcome(this.parts.response, this.parts.plan.options, outcome);
  }

  #set(name: string, value: string): void {
    if (!this.parts.response.hasAnswered) this.parts.response.set(name, value);
  }
}

/** Seconds; never negative, whatever the clocks of two nodes say. */
function ageOf({ at }: StoredAnswer): string {
  return String(Math.max(0, Math.floor((systemClock.coarseNow() - at) / 1000)));
}
