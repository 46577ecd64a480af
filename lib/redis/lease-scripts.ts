import type { AcquireRequest } from '../engine/lease-service.js';
import { LeaseKind, type HeldLease, type LeaseName } from '../engine/lease.js';
import { holdersOf } from './lease-row.js';
import type { RedisKeys } from './redis-keys.js';
import type { RedisLink, Reply } from './redis-link.js';
import type { Script } from './script.js';
import { ACQUIRE_LEASE } from './scripts/acquire-lease.js';
import { CANCEL_WAIT } from './scripts/cancel-wait.js';
import { COLLECT_GRANTS } from './scripts/collect-grants.js';
import { EXTEND_LEASE } from './scripts/extend-lease.js';
import { FORGET_LEASES } from './scripts/forget-leases.js';
import { PROMOTE_WAITERS } from './scripts/promote-waiters.js';
import { TOO_LATE } from './scripts/lease-state.js';
import { LIST_LEASES, ONE_LEASE } from './scripts/read-leases.js';
import { FORCE_RELEASE_LEASE, RELEASE_LEASE } from './scripts/release-lease.js';

const MICROSECONDS = 1000;

/** @internal */
export interface LeaseAnswer {
  /** The owner's token; 1 for a success without a token; 0 for none. */
  readonly token: number;
  /** The time in ms until the next awaited lease ends; undefined when no caller waits for one. */
  readonly left: number | undefined;
  /** The leases that waiters of this node received. */
  readonly given: readonly Given[];
  /** Whether other nodes have considered this node dead. */
  readonly hasLapsed: boolean;
}

/** @internal */
export interface Given {
  readonly owner: string;
  readonly token: number;
}

/** What a node finds in its mailbox, and when the leases end that it waits for. @internal */
export interface Collected {
  readonly hasLapsed: boolean;
  /** A token of 0 means that the lease ended before this node learned of it. */
  readonly given: readonly (Given & { readonly lease: LeaseName })[];
  /** For each requested lease, the time in ms until its next end; undefined when its queue is unknown. */
  readonly left: readonly (number | undefined)[];
}

/**
 * The scripts of leases, with their keys, arguments and replies.
 *
 * @internal
 */
export class LeaseScripts {
  readonly mailbox: string;
  readonly #beats: string;
  readonly #index: string;
  readonly #forgotten: string;
  /** The largest token that this node knows. All later tokens are larger. */
  #floor: number;

  constructor(
    private readonly link: RedisLink,
    private readonly keys: RedisKeys,
    private readonly node: string,
    /** The server's time, in Unix ms, at which this node gives up a command that is sent now. */
    private readonly givenUpAt: () => number,
    floor: number,
  ) {
    this.mailbox = keys.lock('m', node);
    this.#beats = keys.lock('b');
    this.#index = keys.lock('i');
    this.#forgotten = keys.lock('r');
    this.#floor = floor;
  }

  /** The token is -1 when the owner already holds the lease or waits for it. */
  async acquire(request: AcquireRequest, waitMs: number, isAgain: boolean): Promise<LeaseAnswer> {
    const { lease, owner, ttlMs, slots } = request;
    const keys = [...this.#keysOf(lease), this.#index, this.#forgotten];
    const wait = microseconds(waitMs);
    const args = [owner, microseconds(ttlMs), String(slots), wait, this.node, this.#floorText];
    return this.#answerInTime(ACQUIRE_LEASE, keys, [...args, isAgain ? '1' : '0']);
  }

  extend(lease: LeaseName, owner: string, ttlMs: number): Promise<LeaseAnswer> {
    const args = [owner, microseconds(ttlMs), this.node, this.#floorText];
    return this.#answer(EXTEND_LEASE, this.#keysOf(lease), args);
  }

  release(lease: LeaseName, owner: string): Promise<LeaseAnswer> {
    const args = [owner, this.node, this.#floorText];
    return this.#answerInTime(RELEASE_LEASE, this.#keysOf(lease), args);
  }

  forceRelease(lease: LeaseName): Promise<LeaseAnswer> {
    return this.#answer(FORCE_RELEASE_LEASE, this.#keysOf(lease), [this.node, this.#floorText]);
  }

  promote(lease: LeaseName): Promise<LeaseAnswer> {
    return this.#answer(PROMOTE_WAITERS, this.#keysOf(lease), [this.node, this.#floorText]);
  }

  /** @param how `keep`, `decline`, or the token of the only lease to decline */
  cancel(lease: LeaseName, owner: string, how: 'keep' | 'decline' | number): Promise<LeaseAnswer> {
    const args = [owner, String(how), this.node, this.#floorText];
    return this.#answerInTime(CANCEL_WAIT, this.#keysOf(lease), args);
  }

  async collect(leases: readonly LeaseName[]): Promise<Collected> {
    const args = [this.node, ...leases.map(fieldOf)];
    const reply = await this.link.run(COLLECT_GRANTS, [this.#beats, this.mailbox], args);
    const [lapsed, mail, lefts] = listOf(reply);
    const lines = listOf(mail);
    const given = Array.from({ length: lines.length / 3 }, (_, i) => ({
      lease: leaseOf(textOf(lines[3 * i])),
      owner: textOf(lines[3 * i + 1]),
      token: this.#noted(numberOf(lines[3 * i + 2])),
    }));
    return { hasLapsed: lapsed === 1, given, left: listOf(lefts).map(leftOf) };
  }

  /** @param monotonic the time of the request, in ms */
  async holders(lease: LeaseName, monotonic: number): Promise<HeldLease[]> {
    const [now, row] = listOf(await this.link.run(ONE_LEASE, [this.keys.lease('h', lease)], []));
    return isBytes(row) ? holdersOf(lease, row, numberOf(now), monotonic) : [];
  }

  /** One page of the held leases; undefined after the last one. */
  async page(from: number, size: number, monotonic: number): Promise<HeldLease[] | undefined> {
    const args = [String(from), String(from + size - 1)];
    const [now, ...rows] = listOf(await this.link.run(LIST_LEASES, [this.#index], args));
    if (rows.length === 0) return undefined;
    return rows.flatMap((row, i) => {
      if (i % 2 === 0 || !isBytes(row)) return [];
      const lease = leaseOf(textOf(rows[i - 1]));
      return lease.kind > LeaseKind.Semaphore
        ? []
        : holdersOf(lease, row, numberOf(now), monotonic);
    });
  }

  /** Returns how many leases it checked, and those that other callers wait for. */
  async forget(keepMs: number, most: number, limit: number): Promise<[number, LeaseName[]]> {
    const keys = [this.#index, this.#forgotten, this.#beats];
    const args = [microseconds(keepMs), String(most), String(limit)];
    const [seen, ...waited] = listOf(await this.link.run(FORGET_LEASES, keys, args));
    return [numberOf(seen), waited.map((field) => leaseOf(textOf(field)))];
  }

  get #floorText(): string {
    return String(this.#floor);
  }

  #keysOf(lease: LeaseName): string[] {
    const { keys } = this;
    const part = (name: 'h' | 'q' | 'w'): string => keys.lease(name, lease);
    return [part('h'), part('q'), part('w'), this.#beats];
  }

  /** A command that arrives after its deadline has no effect. If this refusal still arrives in time, the clocks differ. */
  async #answerInTime(script: Script, keys: string[], args: string[]): Promise<LeaseAnswer> {
    const answer = await this.#answer(script, keys, [...args, microseconds(this.givenUpAt())]);
    return answer.token === TOO_LATE ? this.#answer(script, keys, [...args, '0']) : answer;
  }

  async #answer(script: Script, keys: string[], args: string[]): Promise<LeaseAnswer> {
    const reply = await this.link.run(script, keys, args);
    if (typeof reply === 'number') {
      return { token: this.#noted(reply), left: undefined, given: [], hasLapsed: false };
    }
    const [token, left, pairs, lapsed] = listOf(reply);
    const list = listOf(pairs);
    const given = Array.from({ length: list.length / 2 }, (_, i) => ({
      owner: textOf(list[2 * i]),
      token: this.#noted(numberOf(list[2 * i + 1])),
    }));
    return {
      token: this.#noted(numberOf(token)),
      left: leftOf(left),
      given,
      hasLapsed: lapsed === 1,
    };
  }

  #noted(token: number): number {
    if (token > this.#floor) this.#floor = token;
    return token;
  }
}

function fieldOf({ kind, name }: LeaseName): string {
  return `${kind}:${name}`;
}

const KINDS = Object.values(LeaseKind);

function leaseOf(field: string): LeaseName {
  const kind = KINDS.find((each) => field.startsWith(`${each}:`)) ?? LeaseKind.Run;
  return { kind, name: field.slice(2) };
}

/** Converts to microseconds, rounded up: a lease ends here no later than on the server. */
function microseconds(ms: number): string {
  return String(Math.ceil(ms * MICROSECONDS));
}

function leftOf(left: Reply | undefined): number | undefined {
  const microsecondsLeft = numberOf(left);
  return microsecondsLeft < 0 ? undefined : microsecondsLeft / MICROSECONDS;
}

function listOf(reply: Reply | undefined): readonly Reply[] {
  return Array.isArray(reply) ? reply : [];
}

function isBytes(reply: Reply | undefined): reply is Buffer {
  return Buffer.isBuffer(reply);
}

function textOf(reply: Reply | undefined): string {
  return isBytes(reply) ? reply.toString('utf8') : String(reply ?? '');
}

function numberOf(reply: Reply | undefined): number {
  return typeof reply === 'number' ? reply : Number(textOf(reply));
}
