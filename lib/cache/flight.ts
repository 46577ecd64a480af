import { AsyncLocalStorage } from 'node:async_hooks';
import { FactoryTimeoutError, InvalidArgumentError } from '../common/errors.js';
import type { Lifetime } from '../common/expiry.js';
import type { OwnClaim } from '../engine/claims.js';
import type { Seen } from '../engine/l2.js';
import type { WrapContext } from './policy.js';
import { startTimer } from './within.js';

/** Callers wait no longer than this for a factory. */
const MAX_FACTORY_MS = 300_000;

/**
 * The flight whose factory called, across any number of promises. Before Node 24 such a context triples the cost of every
 * promise in the process. It is therefore active only while a factory runs that has returned a promise.
 */
const context = new AsyncLocalStorage<Flight>();
let factories = 0;

/** The purpose of a flight. @internal */
export interface FlightPlan {
  /** Why its factory is called. */
  readonly reason: WrapContext<never>['reason'];
  /** The entry that stays in the meantime, so that no caller waits for another process's claim. */
  readonly replaces: Lifetime | undefined;
  readonly onBegin?: (() => void) | undefined;
}

/** One call of a factory, and what belongs to that call. @internal */
export class Flight {
  /** The moment at which its key was observed; undefined until its factory begins. */
  seen: Seen | undefined;
  claim: OwnClaim | undefined;
  /** Its value is no longer wanted, so it is not stored. */
  isAborted = false;
  #controller: AbortController | undefined;
  #reasonToAbort: unknown;
  /** Callers that wait, and callers that stopped waiting but let it continue. */
  #seats = 0;
  readonly #caller = Flight.current;
  /** Flights that its factory has requested, and that have not ended. */
  readonly #awaited = new Set<Flight>();
  /** Its factory has returned, or the factory's promise is settled. */
  #hasEnded = false;

  constructor(
    /** The owner of the keys. */
    private readonly owner: object,
    readonly key: string,
    /** How many writes this process had begun when the flight began. */
    readonly writes: number,
    private readonly plan: FlightPlan,
  ) {}

  get reason(): FlightPlan['reason'] {
    return this.plan.reason;
  }

  get replaces(): FlightPlan['replaces'] {
    return this.plan.replaces;
  }

  /**
   * The flight whose factory is calling. A flight that has ended is skipped: timers of its factory may still call, but it
   * waits for nothing.
   */
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

  /** Adds a caller that wants its value. */
  board(): void {
    this.#seats++;
  }

  /** Whether exactly one caller wants its value. */
  get hasOneSeat(): boolean {
    return this.#seats === 1;
  }

  /** Removes a caller that no longer wants its value; after the last one the factory is aborted. */
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
      // `then` is called once: some thenables begin again with each call.
      coming = Promise.resolve(made);
      coming.then(ended, ended);
      return coming;
    } finally {
      if (coming === undefined) ended();
    }
  }

  /**
   * Settles as its factory's promise does, within 5 minutes.
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
   * The factory that is calling is about to wait for this flight.
   *
   * @throws {HC_ARGUMENT_INVALID} this flight already waits for that factory, through others or because it is the same
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
   * Checks the factory that requests the key, and the factories that called that one.
   *
   * @throws {HC_ARGUMENT_INVALID} one of them makes the same entry
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
