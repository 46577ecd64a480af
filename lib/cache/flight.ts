import { AsyncLocalStorage } from 'node:async_hooks';
import { FactoryTimeoutError, InvalidArgumentError } from '../common/errors.js';
import type { Lifetime } from '../common/expiry.js';
import type { OwnClaim } from '../engine/claims.js';
import type { Seen } from '../engine/l2.js';
import type { WrapContext } from './policy.js';
import { startTimer } from './within.js';

/** A factory that takes longer than this no longer keeps its callers waiting. */
const MAX_FACTORY_MS = 300_000;

/**
 * The flight whose factory has called, however many promises ago. Before Node 24 each promise of the process costs three
 * times as much while such a context is on: it is on only while a factory runs that has returned a promise.
 */
const context = new AsyncLocalStorage<Flight>();
let factories = 0;

/** What a flight is for. @internal */
export interface FlightPlan {
  /** Why its factory is called. */
  readonly reason: WrapContext<never>['reason'];
  /** The entry that stays in the meantime, so that no caller has to wait for the claim of another process. */
  readonly replaces: Lifetime | undefined;
  readonly onBegin?: (() => void) | undefined;
}

/** One call of a factory, and what it takes into account. @internal */
export class Flight {
  /** The moment at which its key was observed; undefined until its factory begins. */
  seen: Seen | undefined;
  claim: OwnClaim | undefined;
  /** Its value is wanted no more: it is not stored. */
  isAborted = false;
  #controller: AbortController | undefined;
  #reasonToAbort: unknown;
  /** Callers that wait, and those that have left it to go on. */
  #seats = 0;
  readonly #caller = Flight.current;
  /** Flights that its factory has asked for, and that have not ended. */
  readonly #awaited = new Set<Flight>();
  /** Its factory has returned, or kept its promise. */
  #hasEnded = false;

  constructor(
    /** Whose keys these are. */
    private readonly owner: object,
    readonly key: string,
    /** How many writes this process had begun by then. */
    readonly writes: number,
    private readonly plan: FlightPlan,
  ) {}

  get reason(): FlightPlan['reason'] {
    return this.plan.reason;
  }

  get replaces(): FlightPlan['replaces'] {
    return this.plan.replaces;
  }

  /** The flight whose factory is calling: one that has ended waits for nothing that its timers still do. */
  static get current(): Flight | undefined {
    let flight = factories > 0 ? context.getStore() : undefined;
    while (flight !== undefined && flight.#hasEnded) flight = flight.#caller;
    return flight;
  }

  begin(claim: OwnClaim): void {
    this.claim = claim;
    this.seen = claim.observed.seen;
    this.plan.onBegin?.();
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.isAborted) this.#controller.abort(this.#reasonToAbort);
    }
    return this.#controller.signal;
  }

  /** One more caller wants its value. */
  board(): void {
    this.#seats++;
  }

  /** Whether one caller wants it, and no other. */
  get hasOneSeat(): boolean {
    return this.#seats === 1;
  }

  /** A caller wants it no more: when it was the last one, the factory is aborted. */
  leave(reason: unknown): void {
    if (--this.#seats === 0) this.abort(reason);
  }

  abort(reason: unknown): void {
    if (this.isAborted || this.#hasEnded) return;
    this.isAborted = true;
    this.#reasonToAbort = reason;
    this.claim?.release();
    this.#controller?.abort(reason);
  }

  /** Calls the factory. */
  call(factory: () => unknown): unknown {
    factories++;
    const ended = (): void => {
      this.#hasEnded = true;
      if (--factories === 0) context.disable();
    };
    let coming: Promise<unknown> | undefined;
    try {
      const made = context.run(this, factory);
      if (!isThenable(made)) return made;
      // Asked once: there are some that begin anew each time.
      coming = Promise.resolve(made);
      coming.then(ended, ended);
      return coming;
    } finally {
      if (coming === undefined) ended();
    }
  }

  /**
   * Resolves as what its factory has promised, within 5 minutes.
   *
   * @throws {HC_FACTORY_TIMEOUT}
   */
  inTime(coming: Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timeout = startTimer(MAX_FACTORY_MS, () =>
        reject(new FactoryTimeoutError(this.key, MAX_FACTORY_MS)),
      );
      coming.then(resolve, reject).finally(() => clearTimeout(timeout));
    });
  }

  /**
   * The factory that is calling is to wait for this flight.
   *
   * @throws {HC_ARGUMENT_INVALID} this one waits for it already, by way of others or because it is the same
   */
  join(landing: Promise<unknown>): void {
    const { current } = Flight;
    if (current === undefined) return;
    if (this.#waitsFor(current)) throw circular(this.key);
    current.#awaited.add(this);
    const ended = (): void => void current.#awaited.delete(this);
    landing.then(ended, ended);
  }

  /**
   * A factory that is to be called for the key by another, within which it was asked for.
   *
   * @throws {HC_ARGUMENT_INVALID} that one, or one that has called it, makes the same entry
   */
  static assertNoCircle(owner: object, key: string): void {
    for (let flight = Flight.current; flight !== undefined; flight = flight.#caller) {
      const isSame = flight.owner === owner && flight.key === key;
      if (isSame && !flight.#hasEnded) throw circular(key);
    }
  }

  #waitsFor(other: Flight): boolean {
    return this === other || Array.from(this.#awaited).some((next) => next.#waitsFor(other));
  }
}

function circular(key: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `The factory of '${key}' waits for itself: what it calls wraps the same key of the same cache.`,
    'Let the inner call make its value without wrap, or under another key.',
  );
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof Object(value).then === 'function';
}
