import type { Clock } from '../common/clock.js';
import { compositeKey } from '../common/composite-key.js';
import type { HyperCacheError } from '../common/errors.js';
import type { Random } from '../common/random.js';
import { LeaseHolders } from '../engine/lease-holders.js';
import type { AcquireRequest, LeaseHolder, LeaseService } from '../engine/lease-service.js';
import type { Grant, HeldLease, LeaseName } from '../engine/lease.js';
import { alreadyThere } from './already-there.js';
import { LeaseForgetter } from './lease-forgetter.js';

import { LeaseMark } from './lease-mark.js';
import { LeaseScripts, type LeaseAnswer } from './lease-scripts.js';
import { LeaseWaits } from './lease-waits.js';
import { isUncertain } from './link-failure.js';
import { OwedReturns } from './owed-returns.js';
import type { RedisKeys } from './redis-keys.js';
import type { RedisLink } from './redis-link.js';

const NODE_BYTES = 8;
const LIST_LIMIT = 10_000;
const PAGE = 500;

/** @internal */
export interface RedisLeasesParts {
  readonly link: RedisLink;
  readonly keys: RedisKeys;
  /** The server's clock. */
  readonly clock: Clock;
  /** How long a command may stay without a reply, in milliseconds. */
  readonly timeoutMs: number;
  readonly random: Random;
  /** How long a lease and its last token are kept after its end, in milliseconds. */
  readonly keepMs: number;
  /** All tokens are above this number. @default 0 */
  readonly floor?: number;
  readonly onError: (error: unknown) => void;
}

/**
 * Leases on a server: each method runs one script, which uses the server's clock. Here a lease is counted from before the
 * request, so it never ends later here than on the server.
 *
 * @internal
 */
export class RedisLeases implements LeaseService {
  readonly #scripts: LeaseScripts;
  readonly #waits: LeaseWaits;
  readonly #owed: OwedReturns;
  readonly #mark: LeaseMark;
  readonly #forgetter: LeaseForgetter;
  readonly #holders = new LeaseHolders();
  readonly #clock: Clock;
  readonly #link: RedisLink;
  #unsubscribe: (() => void)[] = [];

  constructor({
    link,
    keys,
    clock,
    random,
    timeoutMs,
    keepMs,
    floor = 0,
    onError,
  }: RedisLeasesParts) {
    const givenUpAt = (): number => clock.now() + timeoutMs;
    const scripts = new LeaseScripts(link, keys, random.hex(NODE_BYTES), givenUpAt, floor);
    this.#link = link;
    this.#clock = clock;
    this.#scripts = scripts;
    this.#owed = new OwedReturns(scripts, link, clock);
    this.#waits = new LeaseWaits({ scripts, clock, owed: this.#owed, onError });
    this.#mark = new LeaseMark(link, keys, random, (cause) => this.loseAll(cause), onError);
    this.#forgetter = new LeaseForgetter(scripts, link, keepMs, onError);
  }

  /** From now on, the leases follow the reports of the server. */
  start(): void {
    const { mailbox } = this.#scripts;
    this.#unsubscribe.push(
      this.#link.onInvalidate((key) => {
        if (key === null) this.#findOutWhatIsLost();
        else if (key === mailbox) this.#waits.onMail();
      }),
      this.#link.onState((state) => {
        if (state !== 'open') return;
        this.#owed.payBack();
        this.#findOutWhatIsLost();
      }),
    );
    this.#forgetter.start();
    if (this.#link.state === 'open') this.#mark.check();
  }

  /** Callers of this node that wait for a lease. */
  get waiting(): number {
    return this.#waits.size;
  }

  /** Leases that handles of this node hold. */
  get held(): number {
    return this.#holders.countLive();
  }

  async acquire(request: AcquireRequest): Promise<Grant | undefined> {
    request.signal?.throwIfAborted();
    if (request.waitMs > 0) return this.#waits.join(request);
    const since = this.#clock.monotonic();
    const { changes } = this.#mark;
    try {
      const answer = await this.#scripts.acquire(request, 0, false);
      this.#waits.note(request.lease, since, answer);
      if (answer.token < 0 && request.mayWait === true) throw alreadyThere(request.lease);
      if (answer.token <= 0) return undefined;
      if (changes === this.#mark.changes) return grantOf(request, since, answer);
    } catch (error) {
      if (isUncertain(error)) this.#owed.giveBack(request);
      throw error;
    }
    // All leases were deleted at about that moment, before or after.
    return this.extend(request.lease, request.owner, request.ttlMs);
  }

  async extend(lease: LeaseName, owner: string, ttlMs: number): Promise<Grant | undefined> {
    const since = this.#clock.monotonic();
    const answer = await this.#scripts.extend(lease, owner, ttlMs);
    this.#waits.note(lease, since, answer);
    return answer.token === 0 ? undefined : grantOf({ ttlMs }, since, answer);
  }

  async release(lease: LeaseName, owner: string): Promise<boolean> {
    const since = this.#clock.monotonic();
    const answer = await this.#scripts.release(lease, owner);
    this.#waits.note(lease, since, answer);
    return answer.token === 1;
  }

  async forceRelease(lease: LeaseName): Promise<boolean> {
    const since = this.#clock.monotonic();
    const answer = await this.#scripts.forceRelease(lease);
    this.#waits.note(lease, since, answer);
    return answer.token === 1;
  }

  holders(lease: LeaseName): Promise<HeldLease[]> {
    return this.#scripts.holders(lease, this.#clock.monotonic());
  }

  /** The first 10,000 held leases. A lease that begins or ends during the call may or may not be listed. */
  async list(): Promise<HeldLease[]> {
    const held = new Map<string, HeldLease>();
    for (let from = 0; held.size < LIST_LIMIT; from += PAGE) {
      const page = await this.#scripts.page(from, PAGE, this.#clock.monotonic());
      if (page === undefined) break;
      for (const lease of page) held.set(placeOf(lease), lease);
    }
    return Array.from(held.values()).toSorted(byPlace).slice(0, LIST_LIMIT);
  }

  watchLoss(holder: LeaseHolder): () => void {
    return this.#holders.watch(holder);
  }

  /** Called when the server has lost all leases: no holder can be sure of its lease. */
  loseAll(cause: HyperCacheError): void {
    this.#holders.loseAll(cause);
  }

  /** Fails all waiters with HC_CLOSED. A last command declines any lease that they may still receive. */
  async close(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    this.#forgetter.close();
    await this.#waits.close();
  }

  #findOutWhatIsLost(): void {
    this.#mark.check();
    this.#waits.beginAgain();
  }
}

function grantOf(
  { ttlMs }: { readonly ttlMs: number },
  since: number,
  { token }: LeaseAnswer,
): Grant {
  return { token, expiresAt: since + ttlMs };
}

function placeOf({ kind, name, slot }: HeldLease): string {
  return compositeKey(String(kind), name, String(slot));
}

function byPlace(a: HeldLease, b: HeldLease): number {
  if (a.kind !== b.kind) return a.kind - b.kind;
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  return a.slot - b.slot;
}
