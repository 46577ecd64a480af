import type { Clock } from '../common/clock.js';
import { ClosedError } from '../common/errors.js';
import { MAX_TIMER_MS } from '../common/limits.js';
import type { AcquireRequest } from '../engine/lease-service.js';
import type { Grant, LeaseName } from '../engine/lease.js';
import { LocalWaiters, type LocalWaiter } from '../engine/local-waiters.js';
import { alreadyThere } from './already-there.js';
import type { Collected, LeaseAnswer, LeaseScripts } from './lease-scripts.js';
import { isOfTheLink, isUncertain } from './link-failure.js';
import type { OwedReturns } from './owed-returns.js';

/** The pause between two heartbeats of a node that waits. Other nodes consider it dead after 3 s. */
const BEAT_MS = 1000;

/** Leases that one heartbeat asks for. */
const ASKED_AT_ONCE = 500;

/** @internal */
export interface LeaseWaitsParts {
  readonly scripts: LeaseScripts;
  readonly clock: Clock;
  readonly owed: OwedReturns;
  readonly onError: (error: unknown) => void;
}

/**
 * The waiters for leases in this process. Their places are on the server. Each grant writes a line to this node's mailbox, and
 * the server reports that immediately. A heartbeat each second finds what was missed.
 *
 * @internal
 */
export class LeaseWaits {
  readonly #waiters: LocalWaiters;
  /** The waiters whose place in the queue is in doubt. */
  readonly #inDoubt = new Set<LocalWaiter>();
  #beat: NodeJS.Timeout | undefined;
  /** Whether the server reports a write to the mailbox. */
  #isTracked = false;
  #isCollecting = false;
  #isDue = false;
  #isClosed = false;

  constructor(private readonly parts: LeaseWaitsParts) {
    this.#waiters = new LocalWaiters(parts.clock, (lease) => this.#promote(lease));
  }

  get size(): number {
    return this.#waiters.size;
  }

  /** Resolves to the grant, or to undefined when the wait is over. */
  join(request: AcquireRequest): Promise<Grant | undefined> {
    const { lease, owner, waitMs, signal } = request;
    const { clock } = this.parts;
    if (this.#isClosed) throw new ClosedError();
    if (this.#waiters.find(lease, owner) !== undefined) throw alreadyThere(lease);
    return new Promise((resolve, reject) => {
      const end = (finish: () => void): void => {
        // A waiter that is granted twice is settled once.
        if (!this.#waiters.remove(waiter)) return;
        this.#inDoubt.delete(waiter);
        clearTimeout(timeout);
        signal?.removeEventListener('abort', onAbort);
        finish();
      };
      const waiter: LocalWaiter = {
        request,
        deadline: clock.monotonic() + waitMs,
        isMoving: false,
        settle: (grant) => end(() => resolve(grant)),
        fail: (error) => end(() => reject(error)),
      };
      const onAbort = (): void => {
        waiter.fail(signal?.reason);
        void this.#leave(request, 'decline');
      };
      const timeout = setTimeout(() => this.#giveUp(waiter), Math.min(waitMs, MAX_TIMER_MS));
      this.#waiters.add(waiter);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#keepBeating();
      this.#ask(waiter, false);
    });
  }

  /** Notes what a command did for the waiters of this node. @param since the time of the request, in monotonic ms */
  note(lease: LeaseName, since: number, { given, left, hasLapsed }: LeaseAnswer): void {
    for (const { owner, token } of given) this.#deliver(lease, owner, token, since);
    if (left !== undefined) this.#waiters.schedule(lease, this.parts.clock.monotonic() + left);
    if (hasLapsed) this.#askAgain();
  }

  /** Called when the server reports that the mailbox has changed, which it does once. */
  onMail(): void {
    this.#isTracked = false;
    this.#read();
  }

  /** Called when the link or the data of the server is a new one: all places are in doubt, and the mailbox is not tracked. */
  beginAgain(): void {
    this.#isTracked = false;
    this.#askAgain();
  }

  /** Fails all waiters with HC_CLOSED. Resolves when their places are given up. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#beat);
    const waiters = Array.from(this.#waiters.all());
    for (const waiter of waiters) waiter.fail(new ClosedError());
    await Promise.all(waiters.map(({ request }) => this.#leave(request, 'decline')));
  }

  #askAgain(): void {
    for (const waiter of Array.from(this.#waiters.all())) this.#ask(waiter, true);
  }

  #read(): void {
    this.#isDue = true;
    if (this.#isCollecting) return;
    this.#isCollecting = true;
    const read = async (): Promise<void> => {
      while (this.#isDue) {
        this.#isDue = false;
        await this.#collect([]);
      }
    };
    read()
      .catch((error: unknown) => {
        // The next heartbeat makes up for it.
        if (!isOfTheLink(error)) this.parts.onError(error);
      })
      .finally(() => {
        this.#isCollecting = false;
      });
  }

  /** While a request of the waiter is under way, the next one waits for its reply. */
  #ask(waiter: LocalWaiter, isAgain: boolean): void {
    if (waiter.isMoving) {
      this.#inDoubt.add(waiter);
      return;
    }
    waiter.isMoving = true;
    this.#inDoubt.delete(waiter);
    const { scripts, clock } = this.parts;
    const { request, deadline } = waiter;
    const since = clock.monotonic();
    const asked = scripts.acquire(request, Math.max(1, deadline - since), isAgain);
    const join = async (): Promise<void> => {
      const answer = await asked;
      waiter.isMoving = false;
      if (answer.token < 0) waiter.fail(alreadyThere(request.lease));
      this.note(request.lease, since, answer);
      if (this.#inDoubt.has(waiter)) this.#ask(waiter, true);
      else if (answer.token > 0) {
        waiter.settle({ token: answer.token, expiresAt: since + request.ttlMs });
      }
    };
    if (!this.#isTracked) this.#read();
    join().catch((error: unknown) => {
      waiter.isMoving = false;
      if (isAgain ? isOfTheLink(error) : isUncertain(error)) this.#doubt(waiter);
      else waiter.fail(error);
    });
  }

  #doubt(waiter: LocalWaiter): void {
    const { lease, owner } = waiter.request;
    if (this.#waiters.find(lease, owner) === waiter) this.#inDoubt.add(waiter);
  }

  /** Ends the wait. A grant may arrive at the same moment. */
  #giveUp(waiter: LocalWaiter): void {
    const { scripts, clock, owed } = this.parts;
    const { request } = waiter;
    const since = clock.monotonic();
    const leave = async (): Promise<void> => {
      const answer = await scripts.cancel(request.lease, request.owner, 'keep');
      this.note(request.lease, since, answer);
      const { token } = answer;
      waiter.settle(token === 0 ? undefined : { token, expiresAt: since + request.ttlMs });
    };
    leave().catch((error: unknown) => {
      waiter.fail(error);
      if (isOfTheLink(error)) owed.giveBack({ ...request, waitMs: 0 });
    });
  }

  /** Leaves the queue, and passes on a lease that was granted meanwhile. Never rejects. */
  async #leave(request: AcquireRequest, how: 'decline' | number): Promise<void> {
    const { scripts, owed, onError, clock } = this.parts;
    const { lease, owner } = request;
    const since = clock.monotonic();
    try {
      this.note(lease, since, await scripts.cancel(lease, owner, how));
    } catch (error) {
      if (isOfTheLink(error)) owed.giveBack({ ...request, waitMs: 0 });
      else if (!this.#isClosed) onError(error);
    }
  }

  #deliver(lease: LeaseName, owner: string, token: number, since: number): void {
    const waiter = this.#waiters.find(lease, owner);
    if (waiter !== undefined) waiter.settle({ token, expiresAt: since + waiter.request.ttlMs });
    // The waiter no longer waits: the next one gets the lease.
    else void this.#leave({ lease, owner, ttlMs: 0, slots: 1, waitMs: 0 }, token);
  }

  #promote(lease: LeaseName): void {
    const { scripts, clock, onError } = this.parts;
    const since = clock.monotonic();
    scripts
      .promote(lease)
      .then((answer) => this.note(lease, since, answer))
      .catch((error: unknown) => {
        // The next heartbeat looks for it again.
        if (!isOfTheLink(error)) onError(error);
      });
  }

  #keepBeating(): void {
    this.#beat ??= setInterval(() => {
      if (this.#waiters.size === 0) {
        clearInterval(this.#beat);
        this.#beat = undefined;
        return;
      }
      for (const waiter of Array.from(this.#inDoubt)) this.#ask(waiter, true);
      const leases = Array.from(this.#waiters.leases(), ({ lease }) => lease);
      for (let from = 0; from < leases.length; from += ASKED_AT_ONCE) {
        this.#collect(leases.slice(from, from + ASKED_AT_ONCE)).catch((error: unknown) => {
          if (!isOfTheLink(error)) this.parts.onError(error);
        });
      }
    }, BEAT_MS).unref();
  }

  async #collect(leases: readonly LeaseName[]): Promise<void> {
    const { scripts, clock } = this.parts;
    const since = clock.monotonic();
    this.#isTracked = true;
    let collected: Collected;
    try {
      collected = await scripts.collect(leases);
    } catch (error) {
      this.#isTracked = false;
      throw error;
    }
    const { hasLapsed, given, left } = collected;
    for (const { lease, owner, token } of given) {
      if (token > 0) this.#deliver(lease, owner, token, since);
      else this.#askAgainFor(lease, owner);
    }
    const now = clock.monotonic();
    for (const [place, lease] of leases.entries()) {
      const next = left[place];
      if (next === undefined) this.#askAgainFor(lease);
      else this.#waiters.schedule(lease, now + next);
    }
    if (hasLapsed) this.#askAgain();
  }

  #askAgainFor({ kind, name }: LeaseName, owner?: string): void {
    for (const waiter of Array.from(this.#waiters.all())) {
      const { lease } = waiter.request;
      const isMeant = owner === undefined || waiter.request.owner === owner;
      if (lease.kind === kind && lease.name === name && isMeant) this.#ask(waiter, true);
    }
  }
}
