import { HttpException, type CallHandler, type ExecutionContext } from '@nestjs/common';
import type { OutgoingHttpHeaders } from 'node:http';
import { EmptyError, of, type Observable } from 'rxjs';
import type { Awaitable } from '../../common/awaitable.js';
import { systemClock } from '../../common/clock.js';
import { FactoryTimeoutError, HyperCacheError } from '../../common/errors.js';
import { staleSince } from '../../common/expiry.js';
import type { Served } from '../../cache/factory-run.js';
import type { WrapContext } from '../../cache/policy.js';
import type { Factory } from '../../cache/wrap-options.js';
import type { NodeCache } from '../../node/hyper-cache-node.js';
import { cacheControlOf, missed, outcomeOf, tellOutcome, type Outcome } from './cache-headers.js';
import { isNamedBy } from './etag.js';
import type { HttpRequest, HttpResponse } from './http-response.js';
import { newAnswer, type NewAnswer } from './new-answer.js';
import type { RoutePlan } from './route-plan.js';
import { addVary, isStoredAnswer, type StoredAnswer } from './stored-answer.js';

/** An answer that `wrap` passes to all waiting requests and does not store. */
class NotStored {
  constructor(readonly made: NewAnswer) {}
}

/** As {@link NotStored}, for an answer that is a failure. A stale answer may replace it. */
class FailedAnswer extends HttpException {
  constructor(readonly made: NewAnswer) {
    super(`The handler has answered ${made.answer.status}.`, made.answer.status);
  }
}

/** Errors of a cache that handlers have thrown. They reach all waiting requests, like other errors of handlers. */
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
  /** Reports once, for each route and code, an error that no client sees. */
  readonly onSilentError: (plan: RoutePlan, error: HyperCacheError) => void;
}

/** One request that has a key. @internal */
export class CachedRequest {
  #hasBegun = false;
  #made: NewAnswer | undefined;
  /** The headers at the start of its handler. */
  #before: OutgoingHttpHeaders = {};
  /** The status that Nest has set on the response. */
  readonly #status: number;

  constructor(private readonly parts: CachedRequestParts) {
    this.#status = parts.response.status;
  }

  /** The body, or the handler's own Observable where nothing is shared. */
  answer(): Awaitable<Observable<unknown>> {
    const { cache, plan, key, request } = this.parts;
    try {
      const served = cache.wrap(key, this.#make as Factory, plan.policyFor(request));
      return served instanceof Promise
        ? served.then(this.#found, this.#failed)
        : this.#found(served);
    } catch (error) {
      return this.#failed(error);
    }
  }

  /** As {@link answer}, from the cache only: a HEAD has no body to store. */
  answerHead(): Awaitable<Observable<unknown>> {
    const { cache, key, next } = this.parts;
    const found = (entry: Served | undefined): Observable<unknown> => {
      if (entry !== undefined) return this.#found(entry);
      this.#setCacheStatus(missed('detail=head'));
      return next.handle();
    };
    try {
      const entry = cache.find(key);
      return entry instanceof Promise ? entry.then(found, this.#failed) : found(entry);
    } catch (error) {
      return this.#failed(error);
    }
  }

  readonly #found = (served: Served): Observable<unknown> => {
    const { plan, cache, response } = this.parts;
    const stored = served.value;
    if (stored instanceof NotStored) return this.#unstored(stored.made);
    const secondsLeft = Math.floor((staleSince(served) - systemClock.coarseNow()) / 1000);
    const isMade = served.layer === 'factory';
    if (isMade && this.#made !== undefined) return this.#fresh(this.#made, secondsLeft);
    const isStale = served.reason !== undefined && !cache.isFresh(served);
    const outcome = isMade ? missed('collapsed') : outcomeOf(served, secondsLeft, isStale);
    if (!isStoredAnswer(stored)) {
      // The application has stored this value itself, under its own key.
      this.#setCacheStatus(outcome);
      return of(cache.release(stored));
    }
    if (this.#hasBegun && isStale) {
      this.#undo();
      if (served.reason === 'timeout') response.detachOnceSent(this.#status).catch(() => undefined);
    }
    this.#applyHeaders(stored);
    if (!isMade) this.#set('Age', ageOf(stored));
    const body = stored.bytes ?? (plan.isDirect ? stored.body : cache.release(stored.body));
    return this.#send(stored, body, outcome, cacheControlOf(plan.options, secondsLeft));
  };

  readonly #failed = (error: unknown): Observable<unknown> => {
    const { plan, next } = this.parts;
    if (error instanceof FailedAnswer) return this.#unstored(error.made);
    const isOfHandler = !(error instanceof HyperCacheError) || thrown.has(error);
    if (isOfHandler || error instanceof FactoryTimeoutError) throw error;
    this.parts.onSilentError(plan, error);
    const outcome = missed(`detail=${error.code}`);
    if (this.#made !== undefined) return this.#send(undefined, this.#made.body, outcome, undefined);
    if (this.#hasBegun) throw error;
    this.#setCacheStatus(outcome);
    return next.handle();
  };

  /** The answer that the handler of this request has made and the cache has stored. */
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

  /** An answer that must not be stored. This request made it, or the request that this one has waited for. */
  #unstored(made: NewAnswer): Observable<unknown> {
    const { next } = this.parts;
    const isOwn = made === this.#made;
    const outcome = missed(`${isOwn ? '' : 'collapsed; '}detail=${made.unstored}`);
    if (isOwn) return this.#send(undefined, made.body, outcome, undefined);
    if (!made.isShareable) {
      this.#setCacheStatus(missed(`detail=${made.unstored}`));
      return next.handle();
    }
    this.#applyHeaders(made.answer);
    return this.#send(made.answer, made.body, outcome, undefined);
  }

  /** The factory: calls the handler, and reads what it has done to the response. */
  readonly #make = async (context: WrapContext<unknown>): Promise<StoredAnswer | NotStored> => {
    const { plan, response } = this.parts;
    const { reason } = context;
    this.#hasBegun = true;
    // In the background, the client has already received an older answer. The handler's changes must not reach it.
    if (reason === 'stale' || reason === 'eager') await response.detachOnceSent(this.#status);
    this.#before = response.headers();
    let made: NewAnswer;
    try {
      const { body, emissions } = await this.#callHandler();
      made = newAnswer(plan, response, body, { before: this.#before, emissions });
    } catch (error) {
      if (error instanceof HyperCacheError) thrown.add(error);
      throw error;
    }
    this.#made = made;
    if (made.unstored === undefined) {
      plan.adapt(context, this.parts.context, made.body);
      return made.answer;
    }
    if (made.answer.status >= 500) throw new FailedAnswer(made);
    context.skip();
    return new NotStored(made);
  };

  /** Undoes the handler's changes to the response, because another answer replaces it. */
  #undo(): void {
    const { response } = this.parts;
    if (response.hasAnswered) return;
    response.status = this.#status;
    for (const name of Object.keys(response.headers())) {
      if (this.#before[name] === undefined) response.remove(name);
    }
    for (const name in this.#before) {
      const value = this.#before[name];
      if (value !== undefined && response.get(name) !== value) response.set(name, value);
    }
  }

  /** Runs the handler to its end, whether or not the client waits for it. */
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
    this.#setCacheStatus(outcome);
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

  #setCacheStatus(outcome: Outcome): void {
    tellOutcome(this.parts.response, this.parts.plan.options, outcome);
  }

  #set(name: string, value: string): void {
    if (!this.parts.response.hasAnswered) this.parts.response.set(name, value);
  }
}

/** Seconds, never negative, even if the clocks of two nodes differ. */
function ageOf({ at }: StoredAnswer): string {
  return String(Math.max(0, Math.floor((systemClock.coarseNow() - at) / 1000)));
}
